"""Weights: the catalogue of known models, and how a name is resolved to files on this machine."""
