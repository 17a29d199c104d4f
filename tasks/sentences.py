"""Ends of sentences and clauses.

`ends_sentence` serves everything that asks where a sentence ends: where speakers may change, segments and cues end,
and whether text is punctuated. What ends one is Unicode's property Sentence_Terminal (UAX #44) of the installed
library `regex` (Unicode 18.0 in its release 2026.11.15), and what has it not: the ellipsis, and the question mark of
Greek, which is a semicolon; closing quotes, brackets and musical notes aside. What ends a clause has the property
Terminal_Punctuation.

`PREDICTED_MARKS` is no list of ends, but what was stripped from the training data of the punctuation models: not
the `、`, for example.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regex import Pattern

_ABBREVIATIONS = frozenset(
    ("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "mme", "mlle", "fr", "hr", "sra", "srta", "dott", "sig", "nr",
     "vs", "approx", "ca", "bzw", "z.b", "e.g", "i.e", "u.a")
)  # fmt: skip
"""After which a full stop ends no sentence."""
ORDINALS = frozenset(
    ("de", "da", "no", "nb", "nn", "is", "fi", "et", "lv", "cs", "sk", "pl", "hu", "hr", "sr", "sl", "tr")
)
"""Languages that write the ninth as `9.`."""
PREDICTED_MARKS = ".,;:!?…¡¿。，！？"


def ends_sentence(text: str) -> bool:
    """Check whether `text` ends with a sentence mark, closing quotes and brackets aside.

    >>> [ends_sentence(text) for text in ("Yes.", "Yes.”", "« Oui ! »", "(no)", "yes,", "है।", "لماذا؟", "好。」")]
    [True, True, True, False, False, True, True, True]
    """
    return _end_pattern().search(text) is not None


def weigh_break(text: str) -> int:
    """Tell how well a subtitle may break after `text`: 3 after a sentence, 2 after a clause, else 0.

    >>> weigh_break("Yes.”"), weigh_break("well,"), weigh_break("བདེ།"), weigh_break("well")
    (3, 2, 2, 0)
    """
    if ends_sentence(text):
        return 3
    return 2 if _clause_pattern().search(text) is not None else 0


def split_sentences(text: str, language: str | None = None) -> list[str]:
    """Split running text after each sentence; the parts joined are the text.

    A full stop is no end after a title or an initial, nor where the text goes on in lower case, nor after an ordinal
    in a `language` that writes them so.

    >>> split_sentences("Dr. Okafor? He left. J. R. came, approx. at two.  Why")
    ['Dr. Okafor?', ' He left.', ' J. R. came, approx. at two.', '  Why']
    >>> split_sentences("好。「走吧。」我们走")
    ['好。', '「走吧。」', '我们走']
    >>> split_sentences("Il dit « Oui. » Puis il part.", "fr")
    ['Il dit « Oui. »', ' Puis il part.']
    >>> split_sentences("Am 9. Oktober. Um zehn.", "de")
    ['Am 9. Oktober.', ' Um zehn.']
    """
    parts = [""]
    tokens = _join_marks(_token_pattern().findall(text))
    for token, following in zip_longest(tokens, tokens[1:], fillvalue=""):
        parts[-1] += token
        if following and ends_sentence(token) and not _goes_on(token.strip(), following.strip(), language):
            parts.append("")
    return [part for part in parts if part]


def _join_marks(tokens: Iterable[str]) -> list[str]:
    """Join quotes, brackets and dashes that stand apart, as in French, to what they open or close."""
    out: list[str] = []
    opening = ""
    for token in filter(None, tokens):
        if _opener_pattern().fullmatch(token):
            opening += token
        elif out and not opening and _closer_pattern().fullmatch(token):
            out[-1] += token
        else:
            out.append(opening + token)
            opening = ""
    return [*out, opening] if opening else out


def is_ordinal(token: str, following: str, language: str | None) -> bool:
    """Whether a word is an ordinal, of a date or a century, as some languages write them.

    >>> is_ordinal("9.", "Oktober", "de"), is_ordinal("9.", "October", "en"), is_ordinal("1984.", "Dann", "de")
    (True, False, False)
    """
    digits = token.strip().removesuffix(".")
    is_short = token.endswith(".") and digits.isdecimal() and len(digits) <= 2
    return is_short and language in ORDINALS and following.strip()[:1].isalpha()


def _goes_on(token: str, following: str, language: str | None) -> bool:
    """Whether a token with a sentence mark ends no sentence."""
    if is_ordinal(token, following, language):
        return True
    bare = token.strip("\"'“”‘’«»()[]").removesuffix(".")
    if token.endswith(".") and (bare.casefold() in _ABBREVIATIONS or (len(bare) == 1 and bare.isupper())):
        return True
    first = following.lstrip("\"'“”‘’«»()[]–—-…")[:1]
    return first.islower() or not any(c.isalnum() for c in following)


def strip_closing_marks(text: str) -> str:
    """Strip closing quotes and brackets, and white space, from the end of `text`.

    >>> strip_closing_marks("« Oui ! »")
    '« Oui !'
    """
    return str(_closing_pattern().sub("", text))


# Quotes that open in one language close in another. Some are letters or symbols to Unicode; so are notes.
_CLOSING = r"[\s\p{Pe}\p{Pf}\p{Pi}\p{Cf}\"'`´ʼ＇＂❜❞♩♪♫♬]*+$"
_UNSPACED_ENDS = "。！？｡။។៕"
"""Ends of sentences that no blank need follow."""


@functools.cache
def _end_pattern() -> Pattern[str]:
    import regex

    return regex.compile(rf"(?:[\p{{Sentence_Terminal}}…\u037e]|(?<=\p{{Greek}}\p{{M}}*);){_CLOSING}")


@functools.cache
def _clause_pattern() -> Pattern[str]:
    """Match the end of a clause, but not the mark between words of Ethiopic."""
    import regex

    return regex.compile(rf"[\p{{Terminal_Punctuation}}--፡]{_CLOSING}", regex.V1)


@functools.cache
def _opener_pattern() -> Pattern[str]:
    import regex

    return regex.compile(r"\s*[\p{Ps}\p{Pi}\p{Pd}¿¡]+")


@functools.cache
def _closer_pattern() -> Pattern[str]:
    import regex

    return regex.compile(r"\s*[\p{Pe}\p{Pf}]+")


@functools.cache
def _closing_pattern() -> Pattern[str]:
    import regex

    return regex.compile(_CLOSING)


@functools.cache
def _token_pattern() -> Pattern[str]:
    """Match text up to a blank or, after a mark that needs none (`。`), up to its end."""
    import regex

    return regex.compile(rf"\s*[^\s{_UNSPACED_ENDS}]*(?:[{_UNSPACED_ENDS}]+[\p{{Pe}}\p{{Pf}}]*)?")
