"""Times of words: for engines that give text without them, and for text that somebody corrected.

`share` shares the time of a span out by the words' length; `spans` finds which words to align and puts the aligner's
times in; `ctc` and `qwen3` are aligners: `load`, then `align` on arrays; `engines` builds them.
"""
