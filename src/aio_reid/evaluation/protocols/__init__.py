"""Protocols: one file each, with one public function that returns retrieval scores."""
