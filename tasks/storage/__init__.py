"""Storage: the content-addressed artifact store, file operations, and the journal of publications."""
