"""Carry translations over to a transcript of the same recording with other segments, words or speakers. Pure.

A translation belongs to what was said: the sentences that a segment has a part in. Where these are the same, it
stays, whatever the segment's number, speaker and times are now. Other sentences are looked up among those that were
translated before; what is found nowhere stays as it is said, and is marked stale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.canonical import canonical
from tasks.records import Segment, Transcript, Translation
from tasks.translation.sentences import Answer, Sentence, build_sentences, gather, has_letters

Find = Callable[[Sentence, str, str], str | None]
"""`find(sentence, language, engine)` -> its translation by this engine, where it was translated before."""
Said = tuple[object, ...]
"""What a segment's translation is made of: each of its sentences, with the language and the place of its part."""


def carry_translations(
    transcript: Transcript, sources: Sequence[Transcript], find: Find = lambda sentence, language, engine: None
) -> Transcript:
    """The transcript, canonical, with the translations of `sources` in place of its own.

    A segment takes that of the first source in which the same was said; among several there, the nearest in time.
    """
    transcript = canonical(replace(transcript, translations=()))
    sources = [canonical(source) for source in sources if source.translations]
    if not sources:
        return transcript
    sentences = build_sentences(transcript)
    said = _list_said(transcript, sentences)
    known = [_index(source) for source in sources]
    made: list[Translation] = []
    for language in sorted({t.language for source in sources for t in source.translations}):
        missing: set[int] = set()
        for segment in transcript.segments:
            if segment.index not in said:
                continue
            found = next(filter(None, (_nearest(k, said[segment.index], language, segment) for k in known)), None)
            if found is None:
                missing.add(segment.index)
            else:
                made.append(replace(found, segment=segment.index))
        if missing:
            engine = _find_engine(sources, language)
            again = _translate_again(transcript, sentences, missing, language, engine, find)
            made += [t for t in again if t.segment in missing]
    return canonical(replace(transcript, translations=tuple(made)))


_Known = dict[tuple[Said, str], list[tuple[Segment, Translation]]]


def _index(source: Transcript) -> _Known:
    """A source's translations, those that are stale left out, by what was said and their language."""
    said = _list_said(source, build_sentences(source))
    known: _Known = {}
    for t in source.translations:
        if t.status != "stale" and t.segment in said:
            known.setdefault((said[t.segment], t.language), []).append((source.segments[t.segment], t))
    return known


def _nearest(known: _Known, said: Said, language: str, segment: Segment) -> Translation | None:
    def away(held: tuple[Segment, Translation]) -> tuple[float, int]:
        return abs(held[0].start_s - segment.start_s), abs(held[0].index - segment.index)

    return min(known.get((said, language), ()), key=away, default=(None, None))[1]


def _list_said(transcript: Transcript, sentences: Sequence[Sentence]) -> dict[int, Said]:
    """What is said in each segment with text, by its index."""
    found: dict[int, list[object]] = {}
    for sentence in sentences:
        texts = tuple(text for _, text in sentence.parts)
        for place, (segment, _) in enumerate(sentence.parts):
            found.setdefault(segment, []).append((sentence.language, texts, place))
    return {segment: tuple(parts) for segment, parts in found.items()}


def _find_engine(sources: Sequence[Transcript], language: str) -> str:
    """What was asked for most of the translations to a language."""
    engines = Counter(
        t.engine for source in sources for t in source.translations if t.engine and t.language == language
    )
    return max(engines, key=lambda engine: (engines[engine], engine), default="")


def _translate_again(
    transcript: Transcript,
    sentences: Sequence[Sentence],
    segments: set[int],
    language: str,
    engine: str,
    find: Find,
) -> tuple[Translation, ...]:
    """Translate the sentences in these segments from what is known."""
    answers = {}
    for place, sentence in enumerate(sentences):
        if segments.isdisjoint(segment for segment, _ in sentence.parts):
            continue
        if sentence.language == language or not has_letters(sentence.text):
            answers[place] = Answer(sentence.text, "original")
        elif (text := find(sentence, language, engine)) is not None:
            answers[place] = Answer(text, "translated")
        else:
            answers[place] = Answer(sentence.text, "stale")
    return gather(transcript, sentences, answers, language, engine)
