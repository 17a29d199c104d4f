"""How often which words were mended, as entries for `transcription.replacements`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tasks.corrections.facts import Fact
from tasks.word_forms import to_search_form

MAX_WORDS = 5
"""Words of either side: longer ones are sentences that were mended, no terms."""


class Mended(NamedTuple):
    """What was heard (in the form in which it is searched), what is meant, how often."""

    heard: str
    meant: str
    times: int


def count_mended(facts: Iterable[Fact]) -> list[Mended]:
    """Count what was heard and what is meant in the facts, the most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        if fact.action == "words" and fact.now and not fact.undone:
            found.update(list_mended(fact.was.split(), fact.now.split()))
    rows = [Mended(heard, meant, times) for (heard, meant), times in found.items()]
    return sorted(rows, key=lambda m: (-m.times, m.heard, m.meant))


def list_mended(was: Sequence[str], now: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of heard and meant words of one correction, without punctuation around them.

    >>> list_mended("we run cube control, daily".split(), "we run kubectl, daily".split())
    [('cube control', 'kubectl')]
    """
    forms = [to_search_form(w) for w in was], [to_search_form(w) for w in now]
    out = []
    for kind, a, b, c, d in SequenceMatcher(None, *forms, autojunk=False).get_opcodes():
        heard = " ".join(filter(None, forms[0][a:b]))
        meant = " ".join(_strip(word) for word in now[c:d]).strip()
        if kind == "replace" and heard and meant and max(b - a, d - c) <= MAX_WORDS:
            out.append((heard, meant))
    return out


def write_replacements(mended: Sequence[Mended], least: int = 1) -> str:
    """A file for `transcription.replacements`: of what was heard the most frequent meaning, mended `least` times or
    more; others as comments."""
    lines = ["# heard => meant; how often it was mended stands above"]
    known: set[str] = set()
    for heard, meant, times in mended:
        if times < least or any(mark in heard + meant for mark in ("=>", "→", "\t")):
            continue
        mark = "# " if heard in known else ""
        known.add(heard)
        lines += [f"# {times}", f"{mark}{heard} => {meant}"]
    return "\n".join(lines) + "\n"


def _strip(word: str) -> str:
    """A word without the punctuation around it."""
    kept = [i for i, char in enumerate(word) if char.isalnum()]
    return word[kept[0] : kept[-1] + 1] if kept else ""
