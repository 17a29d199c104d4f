"""Ends of sentences and clauses.

`ends_sentence` serves everything that asks where a sentence ends: where speakers may change, segments and cues end,
and whether text is punctuated. What ends one is Unicode's property Sentence_Terminal (UAX #44) of the installed
library `regex` (Unicode 18.0 in its release 2026.11.15), and the ellipsis, which has it not; closing quotes and
brackets aside.

`PREDICTED_MARKS` is no list of ends, but what was stripped from the training data of the punctuation models: not
the `、`, for example.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regex import Pattern

CLAUSE_MARKS = ",;:،؛、，；："
"""Marks between the clauses of a sentence."""
PREDICTED_MARKS = ".,;:!?…¡¿。，！？"


def ends_sentence(text: str) -> bool:
    """Check whether `text` ends with a sentence mark, closing quotes and brackets aside.

    >>> [ends_sentence(text) for text in ("Yes.", "Yes.”", "« Oui ! »", "(no)", "yes,", "है।", "لماذا؟", "好。」")]
    [True, True, True, False, False, True, True, True]
    """
    return _end_pattern().search(text) is not None


def weigh_break(text: str) -> int:
    """Tell how well a subtitle may break after `text`: 3 after a sentence, 2 after a clause, else 0.

    >>> weigh_break("Yes.”"), weigh_break("well,"), weigh_break("well")
    (3, 2, 0)
    """
    if ends_sentence(text):
        return 3
    return 2 if strip_closing_marks(text).endswith(tuple(CLAUSE_MARKS)) else 0


def strip_closing_marks(text: str) -> str:
    """Strip closing quotes and brackets, and white space, from the end of `text`.

    >>> strip_closing_marks("« Oui ! »")
    '« Oui !'
    """
    return str(_closing_pattern().sub("", text))


# Quotes that open in one language close in another.
_CLOSING = r"[\s\p{Pe}\p{Pf}\p{Pi}\"'\N{FULLWIDTH QUOTATION MARK}\p{Cf}]*+$"


@functools.cache
def _end_pattern() -> Pattern[str]:
    import regex

    return regex.compile(rf"[\p{{Sentence_Terminal}}…]{_CLOSING}")


@functools.cache
def _closing_pattern() -> Pattern[str]:
    import regex

    return regex.compile(_CLOSING)
