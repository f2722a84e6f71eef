"""Galleries that last: pictures enrolled once, searched by anything, and provably erased. No torch in here."""
