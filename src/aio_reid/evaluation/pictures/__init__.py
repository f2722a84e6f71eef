"""Pictures of an evaluation: ranked lists, CMC curves, and maps of embeddings, as files without parts outside."""
