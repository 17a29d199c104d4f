"""A transcript in another language, which every format writes as it does the source's.

Segments keep their speakers and times. The words of a translation take their times from the source's: sentence by
sentence where both have as many, else over the segment, a word has the time in which the like share of the source's
letters was said. So pauses stay where they were, and cues are made by the same rules as the source's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.exports.pieces import Piece, align_words
from tasks.joining import is_unspaced
from tasks.languages import format_language, format_languages
from tasks.records import Segment, Transcript, Translation, Word
from tasks.sentences import ends_sentence, split_sentences
from tasks.text import to_one_line

OPENING = "«“‘„‚([{「『（【〈《¿¡"


def list_translations(transcript: Transcript) -> tuple[str, ...]:
    """List the languages that a transcript is translated to."""
    return tuple(sorted({t.language for t in transcript.translations}))


def name_translated(name: str, language: str | None) -> str:
    """The name of an export's file in another language.

    >>> name_translated("transcript.srt", "fr"), name_translated("report.html", None)
    ('transcript.fr.srt', 'report.html')
    """
    stem, dot, rest = name.partition(".")
    return f"{stem}.{language}{dot}{rest}" if language else name


def read_translated(transcript: Transcript, language: str | None) -> Transcript:
    """Make the transcript in a language; itself for None, and for its own. Raises UsageError where there is none."""
    there = list_translations(transcript)
    if language is None or (language not in there and language == transcript.run.language):
        return transcript
    if language not in there:
        name = transcript.recording.recording_id
        has = f"there is {format_languages(there)}" if there else "there is none in any language"
        raise UsageError(
            f"{name}: no translation to {format_language(language)}; {has}. "
            f"To make it: daylong translate {name} --to {language}"
        )
    transcript = canonical(transcript)
    texts = {t.segment: t for t in transcript.translations if t.language == language}
    said: dict[int, list[Word]] = {}
    for word in transcript.words:
        said.setdefault(word.segment, []).append(word)
    segments: list[Segment] = []
    words: list[Word] = []
    for segment in transcript.segments:
        own, found = said.get(segment.index, []), texts.get(segment.index)
        if found is None or _is_source(found, segment):
            segments.append(segment)
            words += own
            continue
        new = time_words(segment, own, found.text, language)
        segments.append(replace(segment, text=to_one_line(found.text), num_words=len(new)))
        words += new
    words += said.get(-1, [])
    run = replace(transcript.run, language=language, language_confidence=None)
    return canonical(replace(transcript, run=run, segments=tuple(segments), words=tuple(words)))


def _is_source(found: Translation, segment: Segment) -> bool:
    """Whether a translation is the source's text, whose words have their own times."""
    if found.status == "stale":  # some of its sentences may be translated
        return to_one_line(found.text) == to_one_line(segment.text)
    return found.status in ("untranslated", "original")


def time_words(segment: Segment, words: Sequence[Word], text: str, language: str) -> list[Word]:
    """Time the words of a segment's translation by the words of the source."""
    source = align_words(segment, words)
    tokens = list(cut_into_words(to_one_line(text)))
    if not source:  # a segment without text has no translation
        source = [Piece(round(segment.start_s * 1000), round(segment.end_s * 1000), "-")]
    theirs, ours = (
        _group([p.text for p in source], words[0].language if words else None),
        _group([" " * token.space_before + token.text for token in tokens], language),
    )
    if len(theirs) != len(ours):
        theirs, ours = [(0, len(source))], [(0, len(tokens))]
    out: list[Word] = []
    latest = segment.start_s
    for (a, b), (c, d) in zip(theirs, ours, strict=True):
        for token, (start, end) in zip(tokens[c:d], _share_time(source[a:b], tokens[c:d]), strict=True):
            begin = min(max(start / 1000, latest), segment.end_s)
            latest = begin
            out.append(
                Word(
                    begin, min(max(end / 1000, begin), segment.end_s), token.text, chunk=-1, channel=segment.channel,
                    speaker=segment.speaker, speaker_confidence=segment.speaker_confidence,
                    is_overlap=segment.has_overlap, segment=segment.index, space_before=token.space_before,
                    language=language, times="fast",
                )
            )  # fmt: skip
    return out


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a letter of a script without blanks, with the marks beside it."""

    text: str
    space_before: bool = True


def cut_into_words(text: str) -> Iterable[Token]:
    """Cut a text into words; where it has no blanks, into letters. Marks stay with the word before, opening ones with
    the word after.

    >>> [t.text for t in cut_into_words("Ja, «so» ist es.")], [t.text for t in cut_into_words("「東京」へ、AI で。")]
    (['Ja,', '«so»', 'ist', 'es.'], ['「東', '京」', 'へ、', 'AI', 'で。'])
    """
    for part in text.split():
        if part.isascii():
            yield Token(part)
            continue
        pieces: list[str] = []
        for char in part:
            if not pieces or _begins_word(pieces[-1], char):
                pieces.append(char)
            else:
                pieces[-1] += char
        yield from (Token(piece, space_before=i == 0) for i, piece in enumerate(pieces))


def _begins_word(before: str, char: str) -> bool:
    if all(c in OPENING for c in before):
        return False
    if char in OPENING:
        return is_unspaced(_last_letter(before))
    if not char.isalnum():
        return False
    return is_unspaced(char) or is_unspaced(_last_letter(before))


def _last_letter(text: str) -> str:
    return next((c for c in reversed(text) if c.isalnum()), "-")


def _group(texts: Sequence[str], language: str | None) -> list[tuple[int, int]]:
    """Group words by sentence: (first, after last) of each that has letters or digits."""
    whole = "".join(texts)
    ends = list(accumulate(map(len, texts)))
    marks = [i for i, text in enumerate(texts, 1) if ends_sentence(text) and i < len(texts)]
    bounds = list(accumulate(len(part) for part in split_sentences(whole, language)))[:-1]
    cuts = [i for i in marks if ends[i - 1] in bounds]
    return list(pairwise([0, *cuts, len(texts)]))


def _share_time(source: Sequence[Piece], tokens: Sequence[Token]) -> list[tuple[float, float]]:
    """(start, end) in milliseconds of each token: the time in which its share of the source's letters was said."""
    sizes = [max(1, len(p.text.strip())) for p in source]
    ends = [0, *accumulate(sizes)]
    lengths = [0, *accumulate(max(1, len(token.text)) for token in tokens)]
    scale = ends[-1] / max(1, lengths[-1])

    def at(letters: float, i: int) -> float:
        share = (letters - ends[i]) / sizes[i]
        return source[i].start_ms + share * (source[i].end_ms - source[i].start_ms)

    out = []
    for first, last in pairwise(lengths):
        a, b = first * scale, last * scale
        i = min(max(0, bisect_right(ends, a + 1e-9) - 1), len(source) - 1)
        j = min(max(0, bisect_left(ends, b - 1e-9) - 1), len(source) - 1)
        out.append((at(a, i), at(b, j)))
    return out
