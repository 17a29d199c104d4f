"""Where listening finds most errors: how probable errors are, by confidences calibrated on what people corrected.

calibrate.py   the probability that a word is wrong; a prior, and what corrections say
spans.py       spans of a transcript with the errors expected in them, the order in which to listen, what it buys
"""
