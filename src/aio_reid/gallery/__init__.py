"""Pictures of a folder, embedded once and searchable; what embeds them is given to this package (no torch here)."""
