"""Shape a transcript into the bodies of the contract (openai/openai-openapi, /v1/audio/transcriptions).

What the contract asks for and a published transcript does not hold: `tokens` is empty, `no_speech_prob` and
`temperature` are 0, `seek` is the segment's start in hundredths of a second. `avg_logprob` is the mean of the
logarithms of the words' confidences; `logprobs` has a row for each word.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

from tasks.canonical import canonical
from tasks.exports import srt, vtt
from tasks.joining import join_words
from tasks.languages import NAMES
from tasks.records import UNKNOWN, Segment, Transcript, Word
from tasks.text import to_one_line

UNTOLD = "unknown"
"""The speaker of words whose voice could not be told."""
LEAST_LOGPROB = -20.0
MEDIA_TYPES = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}
"""By format; the others are JSON. UTF-8 all."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a transcript is wanted: `events` for a stream's, else a `response_format`."""

    format: str
    granularities: tuple[str, ...] = ("segment",)
    logprobs: bool = False
    translated: bool = False
    """Whether the text is the recogniser's English in place of what was said."""

    @property
    def task(self) -> str:
        return "translate" if self.translated else "transcribe"


def media_type(format: str) -> str:
    """The content type of a format.

    >>> media_type("vtt"), media_type("json")
    ('text/vtt; charset=utf-8', 'application/json')
    """
    return f"{MEDIA_TYPES[format]}; charset=utf-8" if format in MEDIA_TYPES else "application/json"


def shape(transcript: Transcript, wanted: Shape) -> str:
    """Write the body in the wanted format."""
    transcript = canonical(transcript)
    match wanted.format:
        case "text":
            return join_text(transcript) + "\n"
        case "srt":
            return srt.write(transcript)
        case "vtt":
            return vtt.write(transcript)
        case "verbose_json":
            return _dump({"task": wanted.task, **shape_verbose(transcript, wanted.granularities)})
        case "diarized_json":
            return _dump({"task": wanted.task, **shape_diarized(transcript)})
        case _:
            return _dump(shape_json(transcript, wanted.logprobs))


def shape_json(transcript: Transcript, logprobs: bool = False) -> dict[str, Any]:
    """Build the body of `json`."""
    body: dict[str, Any] = {"text": join_text(transcript)}
    if logprobs:
        body["logprobs"] = [shape_logprob(word) for word in transcript.words]
    return {**body, "usage": shape_usage(transcript)}


def shape_verbose(transcript: Transcript, granularities: Iterable[str]) -> dict[str, Any]:
    """Build the body of `verbose_json`; words only where they are asked for, segments always but for words alone."""
    body: dict[str, Any] = {
        "language": name_language(transcript.run.language),
        "duration": round(transcript.recording.duration_s, 3),
        "text": join_text(transcript),
    }
    if "word" in granularities:
        body["words"] = [
            {"word": word.text, "start": _round(word.start_s), "end": _round(word.end_s)} for word in transcript.words
        ]
    if "segment" in granularities:
        words = _group_by_segment(transcript.words)
        body["segments"] = [
            _shape_segment(number, segment, words.get(segment.index, []))
            for number, segment in enumerate(transcript.segments)
        ]
    return {**body, "usage": shape_usage(transcript)}


def name_language(code: str | None) -> str:
    """The English name of a language, as `verbose_json` has it.

    >>> name_language("de"), name_language(None)
    ('german', 'unknown')
    """
    return NAMES.get(code, code).lower() if code else "unknown"


def _shape_segment(number: int, segment: Segment, words: list[Word]) -> dict[str, Any]:
    logprobs = [logprob for word in words if (logprob := measure_logprob(word.confidence)) is not None]
    data = segment.text.encode("utf-8", "replace")
    return {
        "id": number,
        "seek": int(segment.start_s * 100),
        "start": _round(segment.start_s),
        "end": _round(segment.end_s),
        "text": " " * (not words or words[0].space_before) + segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sum(logprobs) / len(logprobs), 4) if logprobs else 0.0,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 4) if data else 0.0,
        "no_speech_prob": 0.0,
    }


def shape_diarized(transcript: Transcript) -> dict[str, Any]:
    """Build the body of `diarized_json`: speakers by name where known, else `A`, `B`, … in order of appearance."""
    segments = list(shape_segments(transcript))
    return {
        "duration": round(transcript.recording.duration_s, 3),
        "text": "\n".join(f"{s['speaker']}: {s['text']}" for s in segments),
        "segments": segments,
        "usage": shape_usage(transcript),
    }


def shape_segments(transcript: Transcript) -> Iterator[dict[str, Any]]:
    """Yield the segments with speakers, as `diarized_json` and streams have them."""
    names = name_speakers(transcript)
    for number, segment in enumerate(transcript.segments, 1):
        yield {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03d}",
            "start": _round(segment.start_s),
            "end": _round(segment.end_s),
            "text": to_one_line(segment.text),
            "speaker": names.get(segment.speaker or "", UNTOLD),
        }


def name_speakers(transcript: Transcript) -> dict[str, str]:
    """Name each label's speaker: the person's name, else a letter that is nobody's name."""
    named = {s.label: to_one_line(s.name) for s in transcript.speakers if s.name}
    letters = (letter for letter in iterate_letters() if letter not in named.values())
    spoken = (s.speaker for s in transcript.segments if s.speaker is not None)
    labels = [each for each in dict.fromkeys([*spoken, *(s.label for s in transcript.speakers)]) if each != UNKNOWN]
    return {label: named.get(label) or next(letters) for label in labels}


def iterate_letters() -> Iterator[str]:
    """Yield A … Z, AA, AB, ….

    >>> from itertools import islice
    >>> list(islice(iterate_letters(), 25, 29))
    ['Z', 'AA', 'AB', 'AC']
    """
    number = 0
    while True:
        number, rest, name = number + 1, number, ""
        while rest >= 0:
            rest, letter = divmod(rest, 26)
            rest, name = rest - 1, ascii_uppercase[letter] + name
        yield name


def apply_names(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """Name speakers, by their labels; the others keep what they have."""
    speakers = tuple(replace(s, name=names.get(s.label, s.name)) for s in transcript.speakers)
    return replace(transcript, speakers=speakers)


def join_text(transcript: Transcript) -> str:
    """Join the segments' texts to running text, with a blank between two where the language has them."""
    first = {index: words[0].space_before for index, words in _group_by_segment(transcript.words).items()}
    texts = ((s, to_one_line(s.text)) for s in transcript.segments)
    return join_words(_Piece(text, first.get(s.index, True)) for s, text in texts if text)


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    space_before: bool


def shape_usage(transcript: Transcript) -> dict[str, Any]:
    """What is billed elsewhere: whole seconds."""
    return {"type": "duration", "seconds": math.ceil(transcript.recording.duration_s)}


def shape_logprob(word: Word) -> dict[str, Any]:
    """A word as a token with its logarithmic probability; without one where the recogniser gives none."""
    logprob = measure_logprob(word.confidence)
    text = (" " if word.space_before else "") + word.text
    row: dict[str, Any] = {"token": text, "bytes": list(text.encode("utf-8", "replace"))}
    return row if logprob is None else {**row, "logprob": logprob}


def measure_logprob(confidence: float | None) -> float | None:
    """The natural logarithm of a confidence, at least `LEAST_LOGPROB`; None without one.

    >>> measure_logprob(1.0), measure_logprob(0.0), measure_logprob(None)
    (0.0, -20.0, None)
    """
    if confidence is None or not math.isfinite(confidence):
        return None
    return max(round(math.log(min(max(confidence, 1e-12), 1.0)), 4), LEAST_LOGPROB)


def _group_by_segment(words: Iterable[Word]) -> dict[int, list[Word]]:
    grouped: dict[int, list[Word]] = {}
    for word in words:
        grouped.setdefault(word.segment, []).append(word)
    return grouped


def _round(seconds: float) -> float:
    return round(seconds, 3)


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace").decode()
