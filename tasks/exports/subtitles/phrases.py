"""Where phrases begin in text without blanks between words, by BudouX (the extra `subtitles`).

BudouX's classifiers tell for each character whether a phrase (in Japanese a 文節) begins with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import accumulate

Parse = Callable[[str], list[str]]
"""A text's phrases, in order; joined they are the text."""
LOADERS = {
    "ja": "load_default_japanese_parser",
    "zh": "load_default_simplified_chinese_parser",
    "yue": "load_default_traditional_chinese_parser",
    "th": "load_default_thai_parser",
}
"""Language -> what of the package loads its classifier."""


def find_phrases(text: str, language: str | None) -> frozenset[int] | None:
    """Find the places in a text at which a phrase begins; None where that isn't known: for other languages, and
    without the package."""
    parse = _load(language) if language in LOADERS and not text.isascii() else None
    return None if parse is None else frozenset(accumulate(map(len, parse(text)), initial=0))


@functools.cache
def _load(language: str) -> Parse | None:
    try:
        import budoux
    except ImportError:
        return None
    parser = getattr(budoux, LOADERS[language])()
    return parser.parse  # type: ignore[no-any-return]
