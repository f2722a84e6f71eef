"""What self-contained pages share: their frame, style and parts, small copies of pictures, and text that is safe."""
