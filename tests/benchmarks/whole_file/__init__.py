"""What one would do without Daylong: the engines on the whole file. `python -m tests.benchmarks.whole_file`."""
