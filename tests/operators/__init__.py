"""What operators and analysts meet, and what comes of it: `python -m tests.operators`.

A module here has `CASES`; each is made and tried in a folder of its own.
"""
