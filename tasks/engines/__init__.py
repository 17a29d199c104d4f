"""Engines: loaded once a process, called in this process or in a persistent child process."""
