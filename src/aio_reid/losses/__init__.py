"""The training losses, equations (4) to (8) of the method, and their named alternatives: pure functions."""
