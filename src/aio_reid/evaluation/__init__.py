"""Evaluation: rankings, scores, protocols (one file each), and the records and tables made of them."""
