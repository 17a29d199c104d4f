"""Detect Whisper's hallucinations in its words: repetition loops, and text where there is no speech.

Pure. A loop is a phrase repeated without pauses; Whisper produces them on noise, music and laughter. People
repeat phrases too ("no no no"), so a loop needs more repetitions than people usually make, and the step decodes it a
second time before it is cut.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.intervals import Span, merge_spans
from tasks.joining import is_unspaced, join_words
from tasks.transcription.rates import count_syllables
from tasks.transcription.words import DecodedWord
from tasks.word_forms import to_repetition_form

MAX_COMPRESSION = 2.4
"""Text that zlib makes more than this many times smaller repeats itself (the threshold of Whisper's own
decoder)."""
LONGEST_UNIT = 30
"""Words in the longest phrase whose repetition is looked for."""
LOOP_PAUSE_S = 0.5
"""Longest pause (seconds) inside a loop that continues from one stretch into the next. Equal words with longer
pauses between them are people's answers, not a loop."""
ANSWER_PAUSE_S = 1.0
"""The same within a stretch, where a loop's words may lie further apart."""
MAX_SYLLABLES_PER_S = 8.0
"""The fastest rate at which a person can repeat a syllable or a phrase over and over."""
MIN_CONFIDENCE = 0.5
"""Mean confidence that repeated words need in the second decoding to be kept."""
MIN_SHARED = 0.8
"""Share of the repeated words that both decodings must have in common: one may drop a "no" of nine."""

LOOP_IN_WORD = re.compile(r"(.{1,20}?)\1{11,}", re.DOTALL)
"""A loop without blanks, which is one word: `20,000,000,000,…`."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Words [first, last) are a phrase of `unit` words and its repetitions."""

    first: int
    last: int
    unit: int


def min_repeats(unit: int) -> int:
    """Consecutive repetitions from which a phrase of `unit` words counts as a loop."""
    return 8 if unit == 1 else 5 if unit <= 3 else 4 if unit <= 6 else 3


def find_loops(words: Sequence[str]) -> list[Loop]:
    """Find the runs of repeated phrases, left to right, not overlapping; case and punctuation are ignored.

    >>> find_loops("and then we go and then we go and then we go and then we go home".split())
    [Loop(first=0, last=16, unit=4)]
    >>> find_loops("no no no I said no".split())
    []
    """
    keys = [to_repetition_form(w) for w in words]
    out: list[Loop] = []
    i = 0
    while i < len(keys):
        found = next((loop for unit in range(1, LONGEST_UNIT + 1) if (loop := _find_loop_at(keys, i, unit))), None)
        if found:
            out.append(found)
            i = found.last
        else:
            i += 1
    return out


def _find_loop_at(keys: list[str], first: int, unit: int) -> Loop | None:
    last = first + unit
    while last < len(keys) and keys[last] == keys[last - unit]:
        last += 1
    repeats = (last - first) // unit
    # An incomplete last repetition belongs to the loop too; it stays in [first, last).
    return Loop(first, last, unit) if repeats >= min_repeats(unit) else None


def collapse_loops(words: Sequence[DecodedWord], found: Sequence[Loop]) -> list[DecodedWord]:
    """Reduce each loop to one occurrence of its phrase."""
    drop = {i for loop in found for i in range(loop.first + loop.unit, loop.last)}
    return [w for i, w in enumerate(words) if i not in drop]


def find_looping_stretches(words: Sequence[DecodedWord], stretches: Sequence[Span]) -> set[int]:
    """Find the indices of stretches that contain a loop, or part of one that spans several stretches."""
    out: set[int] = set()
    for run in _split_runs(words, stretches):
        for loop in find_loops([words[i].text for i in run]):
            out |= {_find_stretch(words[i], stretches) for i in run[loop.first : loop.last]}
    return out


def cut_loops(
    words: Sequence[DecodedWord], stretches: Sequence[Span], doubtful: Collection[int]
) -> tuple[list[DecodedWord], int]:
    """Reduce the loops in the `doubtful` stretches (indices) to one occurrence; return (words, loops cut)."""
    out: list[DecodedWord] = []
    count = 0
    for run in _split_runs(words, stretches, doubtful):
        said = [words[i] for i in run]
        if _find_stretch(said[0], stretches) in doubtful:
            short = [replace(w, text=LOOP_IN_WORD.sub(r"\1", w.text)) for w in said]
            count += sum(a != b for a, b in zip(said, short, strict=True))
            found = find_loops([w.text for w in short])
            said = collapse_loops(short, found)
            count += len(found)
        out += said
    return out, count


def _split_runs(
    words: Sequence[DecodedWord], stretches: Sequence[Span], doubtful: Collection[int] | None = None
) -> list[list[int]]:
    """Group indices of words that one loop may span: words without a pause between them, of one stretch or of
    adjacent ones. A run never mixes doubtful stretches with others."""
    out: list[list[int]] = [[0]] if words else []
    for i, (before, word) in enumerate(pairwise(words), start=1):
        left, right = _find_stretch(before, stretches), _find_stretch(word, stretches)
        parted = word.start_s - before.end_s > (ANSWER_PAUSE_S if left == right else LOOP_PAUSE_S)
        if parted or (doubtful is not None and (left in doubtful) != (right in doubtful)):
            out.append([])
        out[-1].append(i)
    return out


def _find_stretch(word: DecodedWord, stretches: Sequence[Span]) -> int:
    return max(0, bisect_right(stretches, word.middle_s, key=lambda s: s.start_s) - 1)


def confirm_repetitions(first: Sequence[DecodedWord], second: Sequence[DecodedWord]) -> bool:
    """Check the repetitions of a first decoding against a second one: True where it has the same words, with
    enough confidence, at a speakable rate. Words without a confidence count as confident."""
    repeats = _find_repeats(first)
    about = {to_repetition_form(w.text) for part in repeats for w in part} or {
        to_repetition_form(w.text) for w in first
    }
    one, other = (
        Counter(t for w in words if (t := to_repetition_form(w.text)) in about) for words in (first, second)
    )
    if 2 * (one & other).total() < MIN_SHARED * (one.total() + other.total()):
        return False
    return all(_is_confident(part) and _is_sayable(part) for part in _find_repeats(second) or [second])


def _find_repeats(words: Sequence[DecodedWord]) -> list[Sequence[DecodedWord]]:
    return [words[loop.first : loop.last] for loop in find_loops([w.text for w in words])]


def _is_confident(words: Sequence[DecodedWord]) -> bool:
    confidences = [w.confidence for w in words if w.confidence is not None]
    return not confidences or sum(confidences) / len(confidences) >= MIN_CONFIDENCE


def _is_sayable(words: Sequence[DecodedWord]) -> bool:
    if not words:
        return True
    syllables = sum(count_syllables(w.text) for w in words[1:])
    return syllables <= MAX_SYLLABLES_PER_S * (words[-1].end_s - words[0].start_s)


def compression_ratio(text: str) -> float:
    """Length of the text over that of its zlib compression, both in bytes; 0 for no text.

    Every character counts alike: in UTF-8 most scripts take two or three bytes a character, which repeat each other,
    so that ordinary Thai or Hindi would compress as well as an English loop.

    >>> compression_ratio("thank you. " * 40) > MAX_COMPRESSION
    True
    """
    places: dict[str, int] = {}
    numbers = [places.setdefault(c, len(places)) for c in text]
    # More characters than a byte tells apart: Chinese, say, of which a stretch repeats few.
    data = bytes(n & 0xFF for n in numbers)
    return len(data) / len(zlib.compress(data)) if data else 0.0


def is_repetitive(words: Sequence[str], text: str | None = None) -> bool:
    """Whether the words contain a loop or their text compresses too well, and so needs a second decoding.

    `text`: the words as they join (`tasks.joining`), by default with blanks but in scripts without; blanks that the
    text has not would make it compress the better.
    """
    joined = "".join(w if is_unspaced(w[:1]) else f" {w}" for w in words).strip() if text is None else text
    return bool(find_loops(words)) or compression_ratio(joined) > MAX_COMPRESSION


def is_repetitive_speech(words: Sequence[DecodedWord]) -> bool:
    """Whether words of one stretch, between two pauses, are repetitive."""
    runs = _split_runs(words, [Span(0.0, 0.0)])
    return any(is_repetitive([words[i].text for i in run], join_words([words[i] for i in run])) for run in runs)


def select_near_speech(words: Sequence[DecodedWord], speech: Sequence[Span], slack_s: float) -> list[DecodedWord]:
    """Keep the words whose middle lies within `slack_s` seconds of speech, in order of their middles."""
    near = merge_spans(s.grow(slack_s) for s in speech)
    out, k = [], 0
    for word in sorted(words, key=lambda w: w.middle_s):
        while k < len(near) and near[k].end_s <= word.middle_s:
            k += 1
        if k < len(near) and word.middle_s in near[k]:
            out.append(word)
    return out
