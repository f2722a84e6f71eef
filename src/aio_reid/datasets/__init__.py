"""Data sets: parsers that return records, one small file each, and the manifest for anybody's own data."""
