"""Read the fields of a transcription request, in each of the ways in which clients write them.

Arrays come as `name[]=a&name[]=b` (openai-python, curl), as `name=a&name=b`, as `name[0]=a`, or as one JSON array;
objects as `name[key]=value` (openai-python), as JSON, or as a bare word (`chunking_strategy=auto`). Unknown fields
are ignored, as the contract has it and clients expect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.http.errors import ApiError, refuse

Fields = Sequence[tuple[str, str]]
"""Names and values of a form, as they came."""

FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
GRANULARITIES = ("word", "segment")
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
    """Data URLs; each belongs to the name at its place."""
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
    names, references = read_list(fields, "known_speaker_names"), read_list(fields, "known_speaker_references")
    if len(references) > len(names):
        raise refuse("Each of known_speaker_references wants its name in known_speaker_names.", "known_speaker_names")
    if len(names) > MAX_KNOWN:
        raise refuse(f"At most {MAX_KNOWN} known speakers.", "known_speaker_names")
    _check_detector(read_object(fields, "chunking_strategy"))
    temperature = read_one(fields, "temperature")
    if temperature is not None:
        _read_number(temperature, "temperature", 0, 1)
    format = read_one(fields, "response_format") or "json"
    if format not in FORMATS:
        raise refuse(
            f"There is no response_format {_show(format)}; there are {', '.join(FORMATS)}.", "response_format"
        )
    granularities = tuple(dict.fromkeys(read_list(fields, "timestamp_granularities")))
    for each in granularities:
        if each not in GRANULARITIES:
            raise refuse(
                f"timestamp_granularities: {_show(each)} is neither word nor segment.", "timestamp_granularities"
            )
    include = read_list(fields, "include")
    for each in include:
        if each != "logprobs":
            raise refuse(f"include: {_show(each)} is not logprobs.", "include")
    language = read_one(fields, "language")
    return Transcription(
        model=read_one(fields, "model") or "whisper-1",
        response_format=format,
        languages=(language,) if language else tuple(read_list(fields, "languages")),
        prompt=read_one(fields, "prompt") or None,
        keywords=tuple(read_list(fields, "keywords")),
        granularities=granularities or ("segment",),
        logprobs=bool(include),
        stream=read_flag(fields, "stream"),
        known_names=tuple(names),
        known_references=tuple(references),
        speakers=tuple(_read_count(fields, name) for name in SPEAKERS),  # type: ignore[arg-type]
        recorded_at=read_one(fields, "recorded_at") or None,
        path=read_one(fields, "path") or None if job else None,
        webhook_url=read_one(fields, "webhook_url") or None if job else None,
        into_english=into_english or (job and read_flag(fields, "into_english")),
    )


def read_one(fields: Fields, name: str) -> str | None:
    """Read a field; of several, the last one. None where it is absent."""
    return next((value for key, value in reversed(fields) if key == name), None)


def read_flag(fields: Fields, name: str) -> bool:
    """Read a field that is true or false; false where it is absent.

    >>> read_flag([("stream", "True")], "stream"), read_flag([], "stream")
    (True, False)
    """
    text = (read_one(fields, name) or "false").strip().lower()
    if text not in ("true", "1", "yes", "on", "false", "0", "no", "off", "null", "none"):
        raise refuse(f"{name}: {_show(text)} is neither true nor false.", name)
    return text in ("true", "1", "yes", "on")


def read_list(fields: Fields, name: str) -> list[str]:
    """Read an array, however it is written; without its empty items.

    >>> read_list([("a[]", "x"), ("a[]", "y")], "a"), read_list([("a", '["x", "y"]')], "a")
    (['x', 'y'], ['x', 'y'])
    """
    of_name = re.compile(rf"{re.escape(name)}(\[\d{{0,9}}\])?")
    found: list[str] = []
    for key, value in fields:
        if not of_name.fullmatch(key):
            continue
        items = _parse(value) if value.lstrip().startswith("[") else value
        if isinstance(items, list):
            found += [item if isinstance(item, str) else json.dumps(item) for item in items]
        else:
            found.append(value)
    return [item for item in found if item.strip()]


def read_object(fields: Fields, name: str) -> Any:
    """Read an object, however it is written: a mapping, or a word; None where it is absent.

    >>> read_object([("c[type]", "server_vad")], "c"), read_object([("c", '{"type": "auto"}')], "c")
    ({'type': 'server_vad'}, {'type': 'auto'})
    >>> read_object([("c", "auto")], "c"), read_object([("c", '"auto"')], "c")
    ('auto', 'auto')
    """
    of_name = re.compile(rf"{re.escape(name)}\[(\w{{1,40}})\]")
    parts = {match[1]: value for key, value in fields if (match := of_name.fullmatch(key))}
    if parts:
        return parts
    value = read_one(fields, name)
    if value is None or not value.strip():
        return None
    parsed = _parse(value) if value.strip()[0] in '{"' else value.strip()
    return value if parsed is None else parsed


def _check_detector(given: Any) -> None:
    """Check `chunking_strategy`. What it says has no effect: recordings are cut as the settings say."""
    param = "chunking_strategy"
    if given is None or given == "auto":
        return
    if not isinstance(given, Mapping) or given.get("type") not in ("server_vad", "auto"):
        raise refuse('chunking_strategy is "auto" or an object whose type is server_vad.', param)
    for name, (least, most) in DETECTOR.items():
        if given.get(name) is not None:
            _read_number(given[name], f"{param}.{name}", least, most)


def _read_count(fields: Fields, name: str) -> int | None:
    text = read_one(fields, name)
    if not text or text == "null":
        return None
    number = _read_number(text, name, 1, 100)
    if number != int(number):
        raise refuse(f"{name}: {_show(text)} is no whole number.", name)
    return int(number)


def _read_number(given: Any, name: str, least: float, most: float) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not least <= number <= most:
        raise refuse(f"{name}: {_show(given)} is no number from {least} to {most}.", name.partition(".")[0])
    return number


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]


def fields_of_json(body: bytes) -> list[tuple[str, str]]:
    """Turn a JSON object into a form's fields, for jobs that name a path. Raises ApiError (400) for anything else."""
    given = _parse(body.decode("utf-8", "replace"))
    if not isinstance(given, dict):
        raise ApiError(400, "The body is no JSON object; a form (multipart/form-data) may have a file, too.")
    return [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in given.items()
        if value is not None
    ]
