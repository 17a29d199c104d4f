"""Chunks' words and the recording's turns -> one transcript: seams, words to speakers, segments. Pure Python."""
