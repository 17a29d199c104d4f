"""Whole sentences of a transcript, and their translations as the text of its segments. Pure.

A sentence may stand in several segments of a speaker: these end at pauses and where somebody else speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tasks.joining import is_unspaced, is_wide_mark
from tasks.records import Segment, Transcript, Translation, TranslationStatus
from tasks.sentences import ends_sentence, split_sentences
from tasks.text import to_one_line

MAX_PAUSE_S = 3.0
"""A sentence does not go on after a longer pause, seconds."""
MAX_CHARS = 600
"""Longer text without a sentence mark ends where its segment ends."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`parts`: index of the segment, and the text in it; `speaker`: the label, or None."""

    parts: tuple[tuple[int, str], ...]
    speaker: str | None = None
    language: str | None = None

    @property
    def text(self) -> str:
        return join_texts([text for _, text in self.parts])


KEPT: tuple[TranslationStatus, ...] = ("untranslated", "original", "stale")
"""Of sentences whose text is the source's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence's text in the other language, or the source's where nothing could be had."""

    text: str
    status: TranslationStatus


def build_sentences(transcript: Transcript) -> list[Sentence]:
    """Build the sentences of a canonical transcript, by their beginning; all text of all segments, in order."""
    languages = find_languages(transcript)
    found: list[Sentence] = []
    open_at: dict[tuple[int, str | None], tuple[int, float]] = {}
    for segment in transcript.segments:
        key, language = (segment.channel, segment.speaker), languages.get(segment.index)
        going_on = open_at.pop(key, None)
        for text in map(str.strip, split_sentences(to_one_line(segment.text), language)):
            if not text:
                continue
            place = going_on[0] if going_on and _may_go_on(found[going_on[0]], going_on[1], segment, language) else -1
            if place >= 0:
                found[place] = Sentence((*found[place].parts, (segment.index, text)), segment.speaker, language)
            else:
                place = len(found)
                found.append(Sentence(((segment.index, text),), segment.speaker, language))
            going_on = None
            if not ends_sentence(text):
                open_at[key] = (place, segment.end_s)
            else:
                open_at.pop(key, None)
    return found


def _may_go_on(sentence: Sentence, end_s: float, segment: Segment, language: str | None) -> bool:
    return (
        segment.start_s - end_s <= MAX_PAUSE_S and sentence.language == language and len(sentence.text) <= MAX_CHARS
    )


def find_languages(transcript: Transcript) -> dict[int, str | None]:
    """Find each segment's language, by index: that of most of its words; the recording's where these have none."""
    counts: dict[int, Counter[str]] = {}
    for word in transcript.words:
        if word.language:
            counts.setdefault(word.segment, Counter())[word.language] += 1
    return {
        s.index: counts[s.index].most_common(1)[0][0] if s.index in counts else transcript.run.language
        for s in transcript.segments
    }


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: numbers and marks alone are the same in every language."""
    return any(c.isalpha() for c in text)


def join_texts(texts: Sequence[str]) -> str:
    """Join parts of running text, with a blank between them where the script has one.

    >>> join_texts(["we meet", "", "at noon."]), join_texts(["我们", "中午见。", "9点。"])
    ('we meet at noon.', '我们中午见。9点。')
    """
    out = ""
    for text in filter(None, map(str.strip, texts)):
        is_wide = bool(out) and (is_wide_mark(out[-1]) or is_wide_mark(text[0]))
        blank = out and not is_wide and not (is_unspaced(out[-1]) and is_unspaced(text[0]))
        out += " " + text if blank else text
    return out


def share_out(text: str, weights: Sequence[int]) -> list[str]:
    """Cut a text into as many parts as there are weights, of about these shares of its length, between words (or
    letters of a script without blanks). The parts joined are the text; a short text may leave some empty.

    >>> share_out("wir treffen uns um zwölf", [7, 8])
    ['wir treffen', 'uns um zwölf']
    """
    if len(weights) < 2:
        return [text]
    places = [0, *(i for i in range(1, len(text)) if _may_cut(text, i)), len(text)]
    total, ends = sum(weights) or 1, [0]
    for reached in list(accumulate(weights))[:-1]:
        wanted = len(text) * reached / total
        ends.append(max(ends[-1], min(places, key=lambda place: abs(place - wanted))))
    ends.append(len(text))
    return [text[a:b].strip() for a, b in pairwise(ends)]


def _may_cut(text: str, i: int) -> bool:
    return text[i] == " " or (is_unspaced(text[i]) and (is_unspaced(text[i - 1]) or is_wide_mark(text[i - 1])))


def gather(
    transcript: Transcript,
    sentences: Sequence[Sentence],
    answers: Mapping[int, Answer],
    language: str,
    engine: str,
) -> tuple[Translation, ...]:
    """Make a translation of each segment with text from those of its sentences.

    `answers`: by the sentence's place; a sentence without one keeps its source.
    """
    texts: dict[int, list[str]] = {}
    states: dict[int, set[TranslationStatus]] = {}
    for place, sentence in enumerate(sentences):
        answer = answers.get(place) or Answer(sentence.text, "untranslated")
        kept = answer.status in KEPT
        sources = [text for _, text in sentence.parts]
        shares = sources if kept else share_out(answer.text, [len(text) for text in sources])
        for (segment, _), text in zip(sentence.parts, shares, strict=True):
            texts.setdefault(segment, []).append(text)
            states.setdefault(segment, set()).add(answer.status)
    return tuple(
        Translation(s.index, language, join_texts(texts[s.index]), status, None if status == "original" else engine)
        for s in transcript.segments
        if s.index in texts
        for status in [combine_states(states[s.index])]
    )


def combine_states(states: set[TranslationStatus]) -> TranslationStatus:
    """The status of a segment by those of its sentences.

    >>> combine_states({"translated", "original"}), combine_states({"translated", "untranslated"})
    ('translated', 'partial')
    """
    if "stale" in states:
        return "stale"
    if "partial" in states or {"translated", "untranslated"} <= states:
        return "partial"
    return next(s for s in ("translated", "untranslated", "original") if s in states)  # type: ignore[return-value]
