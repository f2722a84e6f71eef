"""Synthetic people: one random identity, seen in any modality from any camera. No torch in here."""
