"""Words for tests of what doesn't depend on the chunk or channel they come from."""

from __future__ import annotations

from functools import partial

from tasks.records import Word

make_word = partial(Word, chunk=0, channel=0)
"""A `Word` of the first chunk and channel, unless `chunk` and `channel` say else."""
