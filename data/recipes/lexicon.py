"""A small English in which people can hold a meeting: its words, sentences and dialogues, seeded.

The rules stand in `meeting.grammar`. The demo models are trained on sentences of this grammar, and the
bundled sample is spoken in it. The same seed gives the same text on every machine.

>>> plain("Yes, I think Ana sent it on Monday.")
['yes', 'I', 'think', 'Ana', 'sent', 'it', 'on', 'Monday']
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path


def _read_grammar(path: Path) -> dict[str, tuple[str, ...]]:
    """Rules of a grammar file: name -> alternatives."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rules = "\n".join(line for line in lines if line and not line.startswith("#")).replace("\n    ", " ").splitlines()
    named = (rule.split(":", 1) for rule in rules)
    return {name: tuple(" ".join(a.split()) for a in body.split("|")) for name, body in named}


_GRAMMAR = _read_grammar(Path(__file__).with_name("meeting.grammar"))
_HOLE = re.compile(r"\{(\w+)\}")
_PUNCTUATION = re.compile(r"[.,?]")
_NO_WORD = re.compile(r"\{\w+\}|[.,?]")
MAX_WORDS = 16

WORDS: tuple[str, ...] = tuple(
    sorted({w for alts in _GRAMMAR.values() for a in alts for w in _NO_WORD.sub(" ", a).split()})
)
"""Every word form, as it is printed: lower case but "I", names, days and months."""

_CANONICAL = {w.lower(): w for w in WORDS}


def expand(rule: str, rng: random.Random, bound: Mapping[str, str] | None = None) -> str:
    """One text of `rule`, sentences capitalised.

    `bound` fixes rules to a text, so that a talk keeps its topic: ``{"DOC": "budget"}``. Deep in a sentence
    it holds in half of the places only, or every noun would be the same one.
    """
    bound = bound or {}

    def fill(name: str, depth: int = 0) -> str:
        if name in bound and (depth < 2 or rng.random() < 0.5):
            return bound[name]
        return _HOLE.sub(lambda m: fill(m[1], depth + 1), rng.choice(_GRAMMAR[name]))

    text = fill(rule)
    return re.sub(r"(^|[.?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def split_sentences(text: str) -> list[str]:
    """The sentences of a turn, with their punctuation."""
    return re.findall(r"[^.?]+[.?]", text.replace("? ", "?").replace(". ", "."))


def plain(text: str) -> list[str]:
    """Words without punctuation, in the spelling of `WORDS` (what the demo recogniser prints)."""
    return [_CANONICAL.get(w.lower(), w) for w in _PUNCTUATION.sub(" ", text).split()]


def sentences(seed: int, count: int) -> Iterator[str]:
    """`count` sentences of 2–16 words with punctuation and capitals; short ones occur more than once."""
    rng = random.Random(f"sentences {seed}")
    given = 0
    while given < count:
        text = expand("ANY", rng)
        if 2 <= len(text.split()) <= MAX_WORDS:
            given += 1
            yield text


def turn(rule: str, rng: random.Random, bound: Mapping[str, str] | None = None) -> str:
    """Like `expand`, drawn again until every sentence has 2–16 words and is not its neighbour's copy."""
    while True:
        text = expand(rule, rng, bound)
        parts = split_sentences(text)
        if len(set(parts)) == len(parts) and all(2 <= len(p.split()) <= MAX_WORDS for p in parts):
            return text


def dialogue(seed: int, turns: int, speakers: int = 4) -> list[tuple[int, str]]:
    """(speaker index, text of 1–4 sentences) of a talk that changes its topic every 5–12 turns."""
    rng = random.Random(f"dialogue {seed}")
    out: list[tuple[int, str]] = []
    bound: dict[str, str] = {}
    left, last, asked = 0, -1, False
    while len(out) < turns:
        if left == 0:
            bound = {k: rng.choice(_GRAMMAR[k]) for k in ("DOC", "EVENT", "ASSET", "GROUP")}
            left = rng.randint(5, 12)
        speaker = rng.choice([s for s in range(speakers) if s != last])
        text = turn("REPLY" if asked else "MOVE", rng, bound)
        out.append((speaker, text))
        last, asked, left = speaker, text.endswith("?"), left - 1
    return out
