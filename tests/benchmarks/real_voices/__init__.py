"""Real readers and meetings with the weights of profile `light`: `python -m tests.benchmarks.real_voices`."""
