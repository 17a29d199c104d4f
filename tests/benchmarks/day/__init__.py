"""A whole day through the whole pipeline: `python -m tests.benchmarks.day [--quick] [--hours N] [--json FILE]`.

The day is generated (`recording.py`) and kept; the flow runs on it in processes of its own (`fresh.py`, `child.py`),
watched from inside by hooks (`hooks.py`); what stands beside the engines is told from that (`beside.py`).
"""
