"""What several machines share: objects in a bucket, written so that two writers never undo each other's work."""
