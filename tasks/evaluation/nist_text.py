"""Reserved names and marks in the texts of NIST's STM and CTM (SCTK, "infmts": file formats).

| mark | read as |
| --- | --- |
| speaker `inter_segment_gap` | a gap: nobody speaks there, and it is scored |
| speaker `excluded_region`, text `IGNORE_TIME_SEGMENT_IN_SCORING` | a stretch that is not scored |
| `(word)`, `%hesitation`, `(%hesitation)` | a word that need not be there: left out of the reference, and counted |
| `{ a / b }`, `<ALT_BEGIN>` | alternatives: not supported, refused |

SCTK takes a word in parentheses as right whether it is found or not; here a found one counts as inserted, but for
uh, um and their like after Whisper's English normalisation, which leaves them out on both sides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import UsageError
from tasks.evaluation.utterances import Remark

GAP_SPEAKER = "inter_segment_gap"
EXCLUDED_SPEAKER = "excluded_region"
IGNORED_TEXT = "IGNORE_TIME_SEGMENT_IN_SCORING"

_ALTERNATION = re.compile(r"\{[^{}]*/[^{}]*\}?")
_OPTIONAL = re.compile(r"(?<!\S)(?:\([^()\s]+\)|%[^\W\d]\S*)(?!\S)")


def refuse_alternations(text: str, where: str) -> None:
    """Raise UsageError where the text holds alternatives.

    >>> refuse_alternations("and { so / sow } on", "a.stm, line 3")
    Traceback (most recent call last):
        ...
    tasks.errors.UsageError: a.stm, line 3: alternatives ({ so / sow }) are not supported; keep one of them.
    """
    if found := _ALTERNATION.search(text):
        raise UsageError(f"{where}: alternatives ({found[0].strip()}) are not supported; keep one of them.")


class OptionalWords:
    """Takes optionally deletable words out of the texts of one file, and counts them by recording."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()

    def remove(self, name: str, text: str) -> str:
        """Return the text without its optionally deletable words.

        >>> OptionalWords(Path("a.stm")).remove("day", "so (%hesitation) it's 20 % (maybe) %um more (or less)")
        "so it's 20 % more (or less)"
        """
        kept, count = _OPTIONAL.subn("", text)
        if not count:
            return text
        self._counts[name] += count
        return " ".join(kept.split())

    def remarks(self) -> Iterator[tuple[str, Remark]]:
        """A remark on the words that were taken out, for each recording that had any."""
        for name, count in self._counts.items():
            words = "1 optionally deletable word is" if count == 1 else f"{count} optionally deletable words are"
            yield name, Remark(f"{self._path}: {words} left out, in parentheses or marked %.")
