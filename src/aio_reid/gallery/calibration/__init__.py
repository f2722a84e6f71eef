"""What a score means: from scores of matches and of strangers to odds, false-match rates and "probably not here"."""
