"""Words that are final while later chunks are still worked on: those before the last seam that is known.

Speech at a seam that neither chunk has words for is decoded again at the end; those words come with the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.merging.seams import join
from tasks.records import Chunk, Word


class FinalWords:
    """Finds final words, given the chunks in any order."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Chunk, list[Word]]] = {}
        self._last: list[tuple[Chunk, list[Word]]] = []
        """The last chunks that came in their order, two at most: the next one settles the seam after them."""
        self._next = 0
        self._until_s = float("-inf")
        """Until here, words are final."""

    def add(self, chunk: Chunk, words: Sequence[Word]) -> list[Word]:
        """Add the words of a chunk; return those that are final now and were not before, in order of time."""
        self._waiting[chunk.index] = chunk, list(words)
        found: list[Word] = []
        while self._next in self._waiting:
            self._last = [*self._last[-2:], self._waiting.pop(self._next)]
            self._next += 1
            if len(self._last) > 1:
                found += self._settle()
        return found

    def _settle(self) -> list[Word]:
        """Take the words between the last two seams; where channels are cut apart, the earlier cut counts."""
        chunks = [chunk for chunk, _ in self._last]
        joined = join(chunks, [words for _, words in self._last])
        since_s = self._until_s
        self._until_s = max(since_s, min(s.cut_s for s in joined.seams if s.right == chunks[-1].index))
        return [word for word in joined.words if since_s <= word.start_s < self._until_s]
