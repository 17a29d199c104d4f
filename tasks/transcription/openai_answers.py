"""Read the answer of an OpenAI-compatible service, in any of its formats, as raw words.

Pure. Word times are the service's where it gives them; else the words of a sentence share its time by length, and
without times of sentences those of the whole piece of sound do.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.engines.protocols import RawWord
from tasks.languages import parse_language
from tasks.transcription.pieces import begin_segment
from tasks.transcription.tokens import share_times
from tasks.word_forms import to_repetition_form

FACTS = ("avg_logprob", "no_speech_prob", "compression_ratio")


def read_words(answer: Mapping[str, Any], stretch: int, start_s: float, end_s: float) -> list[RawWord]:
    """The words of an answer about sound from `start_s` to `end_s`, in seconds of the recording's chunk."""
    segments = [s for s in _list(answer.get("segments")) if _is_timed(s)]
    timed = [w for w in _list(answer.get("words")) if _is_timed(w) and str(w.get("word", "")).strip()]
    if timed:
        text = str(answer.get("text") or "".join(str(s.get("text", "")) for s in segments))
        words = match_times(_split(text, stretch), timed, start_s, stretch)
    elif segments:
        words = []
        for segment in segments:
            said = _split(str(segment.get("text", "")), stretch)
            words += share_times(said, start_s + float(segment["start"]), start_s + float(segment["end"]))
    else:
        words = share_times(_split(str(answer.get("text") or ""), stretch), start_s, end_s)
    for word in words:
        _add_facts(word, segments, start_s)
        for key in ("start", "end"):
            if (time := word[key]) is not None:  # type: ignore[literal-required]
                word[key] = min(max(time, start_s), end_s)  # type: ignore[literal-required]
    return words


def match_times(
    words: list[RawWord], timed: Sequence[Mapping[str, Any]], start_s: float, stretch: int = 0
) -> list[RawWord]:
    """Give the words of a text the times, and probabilities, of a list of the same words without punctuation. Words
    that have none there have no times; without a text the list is the text."""
    if not words:
        words = [_word(f" {str(w['word']).strip()}", stretch) for w in timed]
    # A dash stands in the text alone: left in, it would part runs of words that agree.
    said = [(w, to_repetition_form(w["word"])) for w in words if _is_spoken(w["word"])]
    theirs = [(t, to_repetition_form(str(t["word"]))) for t in timed if _is_spoken(str(t["word"]))]
    matcher = difflib.SequenceMatcher(None, [form for _, form in said], [form for _, form in theirs], autojunk=False)
    for i, j, size in matcher.get_matching_blocks():
        for (word, _), (found, _) in zip(said[i : i + size], theirs[j : j + size], strict=True):
            word["start"], word["end"] = start_s + float(found["start"]), start_s + float(found["end"])
            probability = found.get("probability")
            word["probability"] = float(probability) if isinstance(probability, (int, float)) else None
    return words


def read_language(answer: Mapping[str, Any]) -> str | None:
    """The code of the language that an answer names, as a code or in English; None where it names none."""
    named = answer.get("language")
    return parse_language(named) if isinstance(named, str) and named else None


def _split(text: str, stretch: int) -> list[RawWord]:
    return [
        _word(piece if i else begin_segment(piece), stretch) for i, piece in enumerate(re.findall(r"\s*\S+", text))
    ]


def _word(text: str, stretch: int) -> RawWord:
    return RawWord(start=None, end=None, word=text, probability=None, stretch=stretch)


def _add_facts(word: RawWord, segments: Sequence[Mapping[str, Any]], start_s: float) -> None:
    """Add what a service says of the sentence that a word stands in."""
    if word["start"] is None or word["end"] is None:
        return
    middle = (word["start"] + word["end"]) / 2 - start_s
    own = next((s for s in segments if s["start"] <= middle <= s["end"]), None)
    for key in FACTS if own else ():
        if own and isinstance(value := own.get(key), (int, float)):
            word[key] = float(value)  # type: ignore[literal-required]


def _is_spoken(text: str) -> bool:
    return any(c.isalnum() for c in text)


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def _is_timed(given: Mapping[str, Any]) -> bool:
    start, end = given.get("start"), given.get("end")
    if not isinstance(start, (int, float)) or not isinstance(end, (int, float)):
        return False
    return math.isfinite(start) and math.isfinite(end) and end >= start
