"""Figures, as tables for people and as JSON: `python -m tests.benchmarks.NAME [--quick] [--json FILE]`.

Machines are noisy: what is compared is measured in one run, and given as a ratio.
"""
