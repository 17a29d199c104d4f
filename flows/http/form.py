"""Read what a request for a transcript asks for from the fields of its form.

Words are read in any letter case. Unknown fields are ignored, as the contract has it and clients expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from flows.http.errors import refuse
from flows.http.fields import (
    ABSENT,
    Fields,
    read_flag,
    read_list,
    read_object,
    read_one,
    read_places,
    read_value,
    read_words,
    show,
)

FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
GRANULARITIES = ("word", "segment")
INCLUDED = ("logprobs",)
DETECTOR = {"prefix_padding_ms": (0, 60_000), "silence_duration_ms": (0, 60_000), "threshold": (0, 1)}
"""Numbers of `chunking_strategy`, with their ranges."""
SPEAKERS = ("num_speakers", "min_speakers", "max_speakers")
MAX_KNOWN = 100
"""Known speakers in one request."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a request asks for."""

    model: str
    response_format: str = "json"
    languages: tuple[str, ...] = ()
    prompt: str | None = None
    keywords: tuple[str, ...] = ()
    granularities: tuple[str, ...] = ("segment",)
    logprobs: bool = False
    stream: bool = False
    known_names: tuple[str, ...] = ()
    known_references: tuple[str, ...] = ()
    """Data URLs; each belongs to the name at its place, empty where there is none. The last ones may be missing."""
    speakers: tuple[int | None, int | None, int | None] = (None, None, None)
    """How many speak: exactly, at least, at most."""
    recorded_at: str | None = None
    path: str | None = None
    """Of a recording on the server's machine; jobs alone may name one."""
    webhook_url: str | None = None
    into_english: bool = False


def read_transcription(fields: Fields, *, job: bool = False, into_english: bool = False) -> Transcription:
    """Read a request's fields. `job`: it may have a path and a webhook, and say itself whether it is to be English.

    Raises ApiError (400) naming the field.
    """
    names, references = _read_known(fields)
    _check_detector(read_object(fields, "chunking_strategy"))
    temperature = read_value(fields, "temperature")
    if temperature is not None:
        _read_number(temperature, "temperature", 0, 1)
    format = (read_value(fields, "response_format") or "json").lower()
    if format not in FORMATS:
        raise refuse(
            f"There is no response_format {show(format)}; there are {', '.join(FORMATS)}.", "response_format"
        )
    granularities = _read_choices(fields, "timestamp_granularities", GRANULARITIES)
    language = read_value(fields, "language")
    return Transcription(
        model=read_value(fields, "model") or "whisper-1",
        response_format=format,
        languages=(language,) if language else tuple(read_words(fields, "languages")),
        prompt=read_one(fields, "prompt") if read_value(fields, "prompt") else None,
        keywords=tuple(read_list(fields, "keywords")),
        granularities=granularities or ("segment",),
        logprobs=bool(_read_choices(fields, "include", INCLUDED)),
        stream=read_flag(fields, "stream"),
        known_names=names,
        known_references=references,
        speakers=tuple(_read_count(fields, name) for name in SPEAKERS),  # type: ignore[arg-type]
        recorded_at=read_value(fields, "recorded_at"),
        path=read_one(fields, "path") or None if job else None,
        webhook_url=read_value(fields, "webhook_url") if job else None,
        into_english=into_english or (job and read_flag(fields, "into_english")),
    )


def _read_known(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read (names, references) of the known speakers, each name once and each reference at its name's place."""
    known: dict[str, str] = {}
    pairs = zip_longest(
        read_places(fields, "known_speaker_names"), read_places(fields, "known_speaker_references"), fillvalue=""
    )
    for name, reference in ((name.strip(), reference.strip()) for name, reference in pairs):
        reference = "" if reference.lower() in ABSENT else reference
        if reference and not name:
            raise refuse(
                "Each of known_speaker_references wants its name in known_speaker_names.", "known_speaker_names"
            )
        if reference and known.get(name) not in (None, "", reference):
            raise refuse(f"known_speaker_names: {show(name)} has two references.", "known_speaker_names")
        if name:
            known[name] = reference or known.get(name, "")
    if len(known) > MAX_KNOWN:
        raise refuse(f"At most {MAX_KNOWN} known speakers.", "known_speaker_names")
    references = list(known.values())
    while references and not references[-1]:
        references.pop()
    return tuple(known), tuple(references)


def _read_choices(fields: Fields, name: str, choices: Sequence[str]) -> tuple[str, ...]:
    """Read an array of words that must be among these."""
    given = tuple(dict.fromkeys(word.lower() for word in read_words(fields, name)))
    for each in given:
        if each not in choices:
            what = f"neither {' nor '.join(choices)}" if len(choices) > 1 else f"not {choices[0]}"
            raise refuse(f"{name}: {show(each)} is {what}.", name)
    return given


def _check_detector(given: Any) -> None:
    """Check `chunking_strategy`. What it says has no effect: recordings are cut as the settings say."""
    param = "chunking_strategy"
    if given is None:
        return
    kind = given.get("type") if isinstance(given, Mapping) else given
    if not isinstance(kind, str) or kind.strip().lower() not in ("auto", "server_vad"):
        raise refuse('chunking_strategy is "auto" or an object whose type is server_vad.', param)
    for name, (least, most) in DETECTOR.items() if isinstance(given, Mapping) else ():
        if given.get(name) not in (None, ""):
            _read_number(given[name], f"{param}.{name}", least, most)


def _read_count(fields: Fields, name: str) -> int | None:
    text = read_value(fields, name)
    if text is None:
        return None
    number = _read_number(text, name, 1, 100)
    if number != int(number):
        raise refuse(f"{name}: {show(text)} is no whole number.", name)
    return int(number)


def _read_number(given: Any, name: str, least: float, most: float) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not least <= number <= most:
        raise refuse(f"{name}: {show(given)} is no number from {least} to {most}.", name.partition(".")[0])
    return number
