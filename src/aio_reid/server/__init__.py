"""A service around galleries: search, enrol, erase over HTTP. The model is given to it (no torch here)."""
