"""What is lost when a run is killed, a disk fills up or a cache is damaged: `python -m tests.faults`."""
