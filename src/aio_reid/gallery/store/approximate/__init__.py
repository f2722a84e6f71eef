"""The approximate index beside a large embedded gallery: made from it, measured against it, and never the truth."""
