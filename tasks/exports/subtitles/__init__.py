"""Subtitles by a broadcaster's rules: profiles, the optimiser that makes cues, and the check of anybody's file."""
