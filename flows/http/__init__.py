"""The OpenAI-compatible server of `daylong serve`: requests in, transcripts of the main flow out."""
