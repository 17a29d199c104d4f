"""Translation of a transcript, sentence by sentence, by a language model behind an OpenAI-compatible service."""
