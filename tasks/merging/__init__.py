"""Merge the chunks' words and the recording's turns into one transcript: seams, speaker assignment, segments."""
