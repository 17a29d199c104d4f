"""Decode a recording: one span (`decode`), or everything once, block by block (`stream`).

A recording is a file, or several in a row with or without gaps. Both functions give float32 samples at 16 kHz, mono:
the mean of the channels, or one channel. Both place samples by presentation time, so a span decoded by itself equals
that span of the whole, and undecodable packets leave silence of their length. A chunk is a reference, never an array
passed between tasks, and several steps need the same one within seconds: `load` caches the last few spans for them.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.audio.chain import PlacedLink, find_links
from tasks.audio.edits import MAX_S, lift_quiet
from tasks.audio.level import MARGIN, align, correct_samples, correct_stream
from tasks.audio.resample import Observe, convert_frames
from tasks.audio.resample import Samples as Samples
from tasks.audio.source import PREROLL_S, open_source, raise_if_inaccessible
from tasks.errors import TransientError, UnreadableAudio
from tasks.intervals import Span
from tasks.paths import format_path
from tasks.records import SAMPLE_RATE_HZ, Audio, Correction, Part, Recording, as_dict

if TYPE_CHECKING:
    from tasks.audio.slices import Link
    from tasks.audio.source import TimedFrame

CACHED_SPANS = 4
"""Spans that the cache holds: 15.5 minutes are 60 MB."""

DECODER_VERSION = 2
"""Part of cache keys: raise it when the same file decodes to other samples."""

OpenArtifact = Callable[[str], Samples]

_cache: OrderedDict[tuple[Audio, Span], Future[Samples]] = OrderedDict()
_lock = threading.Lock()


UNCORRECTED = Correction()


def decode(
    source: Path | Sequence[Part],
    span: Span,
    *,
    channel: int | None = None,
    correction: Correction = UNCORRECTED,
) -> Samples:
    """Decode `span` of the recording: float32 (n,) at 16 kHz, n = round(span.duration_s * 16000).

    Silence before 0, between parts and past the recording's end. Raises UnreadableAudio; TransientError if a file is
    gone or has lost bytes since it was probed.
    """
    first, size = round(span.start_s * SAMPLE_RATE_HZ), round(span.duration_s * SAMPLE_RATE_HZ)
    if not (correction.gain_db or correction.removes_offset):
        return _decode(source, first, size, channel, correction)[0]
    start = align(first - MARGIN)
    wide, end = _decode(source, start, first + size + MARGIN - start, channel, correction)
    corrected = correct_samples(wide[:end], correction)  # the silence past the recording's end isn't its sound
    out = np.zeros(size, np.float32)
    part = corrected[max(0, first - start) : max(0, first - start + size)]
    place = max(0, start - first)
    out[place : place + len(part)] = part[: max(0, size - place)]
    return out


def _decode(
    source: Path | Sequence[Part], first: int, size: int, channel: int | None, correction: Correction
) -> tuple[Samples, int]:
    """Decode `size` samples from position `first` on; return them with the number up to the last that was decoded."""
    out, end = np.zeros(size, np.float32), 0
    start_s = first / SAMPLE_RATE_HZ
    with _raise_if_shrunk(source), contextlib.closing(_read_pieces(source, start_s, channel, correction)) as found:
        for at, samples in found:
            if at >= first + size:
                break
            skip, place = max(0, first - at), max(0, at - first)
            part = samples[skip : skip + size - place]
            out[place : place + len(part)] = part
            end = max(end, place + len(part))
    return out, end


def stream(
    source: Path | Sequence[Part],
    block_s: float = 60.0,
    *,
    channel: int | None = None,
    correction: Correction = UNCORRECTED,
    observe: Observe | None = None,
) -> Generator[Samples, None, None]:
    """Decode the whole recording once, in blocks of about `block_s`, in constant memory.

    `observe` is called with the channels before they are mixed. Raises as `decode` does, also when the generator is
    closed before the end.
    """
    blocks = _stream(source, block_s, channel, correction, observe)
    with contextlib.closing(blocks), contextlib.closing(correct_stream(blocks, correction)) as corrected:
        yield from corrected


def _stream(
    source: Path | Sequence[Part],
    block_s: float,
    channel: int | None,
    correction: Correction,
    observe: Observe | None,
) -> Generator[Samples, None, None]:
    size = round(block_s * SAMPLE_RATE_HZ)
    block, filled = np.zeros(size, np.float32), 0
    cursor = 0  # position of the next sample to yield
    with (
        _raise_if_shrunk(source),
        contextlib.closing(_read_pieces(source, 0.0, channel, correction, observe)) as found,
    ):
        for at, samples in found:
            samples = samples[max(0, cursor - at) :]
            silence = max(0, at - cursor)
            cursor += silence + len(samples)
            while silence or len(samples):
                quiet = min(silence, size - filled)
                silence, filled = silence - quiet, filled + quiet
                part = samples[: size - filled] if not silence else samples[:0]
                block[filled : filled + len(part)] = part
                samples, filled = samples[len(part) :], filled + len(part)
                if filled == size:
                    yield block
                    block, filled = np.zeros(size, np.float32), 0
    if filled:
        yield block[:filled]


def reference_audio(recording: Recording, channel: int | None = None, correction: Correction = UNCORRECTED) -> Audio:
    """Build the reference to a recording's sound: all channels mixed, or one."""
    what = "mix" if channel is None else f"channel-{channel}"
    key = f"{recording.sha256}/{what}/decode-{DECODER_VERSION}"
    tracks = sorted({part.track for part in recording.parts if part.track is not None})
    if tracks:
        key += f"/track-{tracks[0]}"
    if correction != UNCORRECTED:
        key += "/corrected-" + json.dumps(as_dict(correction), sort_keys=True, separators=(",", ":"))
    return Audio(key=key, parts=recording.parts, channel=channel, correction=correction)


def load(audio: Audio, span: Span, open_artifact: OpenArtifact | None = None) -> Samples:
    """Load `span` through the cache: float32 (n,) at 16 kHz, n = round(span.duration_s * 16000), read-only.

    A very quiet span is amplified (see `edits.lift_quiet`).
    `open_artifact` reads an artifact's samples by its name (mono, 16 kHz, from `audio.offset_s` on).
    """
    key = (audio, span)
    with _lock:
        future = _cache.get(key)
        is_first = future is None
        if future is None:
            future = _cache[key] = Future()
            while len(_cache) > CACHED_SPANS:  # a waiting thread keeps its own reference
                _cache.popitem(last=False)
        _cache.move_to_end(key)
    if is_first:
        try:
            samples = _load_span(audio, span, open_artifact)
            samples.setflags(write=False)
            future.set_result(samples)
        except BaseException as error:
            with _lock:
                if _cache.get(key) is future:
                    del _cache[key]
            future.set_exception(error)
    return future.result()


def clear_cache() -> None:
    """Drop all cached spans."""
    with _lock:
        _cache.clear()


def _load_span(audio: Audio, span: Span, open_artifact: OpenArtifact | None) -> Samples:
    if audio.artifact is None:
        if not audio.parts:
            raise ValueError(f"{audio.key}: neither a file nor an artifact")
        samples = decode(audio.parts, span, channel=audio.channel, correction=audio.correction)
        return lift_quiet(samples) if span.duration_s <= MAX_S else samples
    if open_artifact is None:
        raise ValueError(f"{audio.key}: an artifact, and nothing to open it with")
    whole = open_artifact(audio.artifact)
    size = round(span.duration_s * SAMPLE_RATE_HZ)
    first = round((span.start_s - audio.offset_s) * SAMPLE_RATE_HZ)
    out = np.zeros(size, np.float32)
    part = whole[max(0, first) : max(0, first + size)]
    place = max(0, -first)
    out[place : place + len(part)] = part
    return out


def _read_pieces(
    source: Path | Sequence[Part],
    start_s: float,
    channel: int | None,
    correction: Correction,
    observe: Observe | None = None,
) -> Generator[tuple[int, Samples], None, None]:
    """(position, samples) at 16 kHz from a little before `start_s` on, one part after the other."""
    for part in [Part("", "", 0.0, math.inf, str(source))] if isinstance(source, Path) else source:
        if part.start_s + part.duration_s <= start_s:
            continue
        path = Path(part.path)
        for place in find_links(path, part.track):
            placed = Span(part.start_s + place.start_s, part.start_s + min(place.end_s, part.duration_s))
            if place.start_s < part.duration_s and placed.end_s > start_s:
                yield from _place_pieces(path, part.track, place, placed, start_s, channel, correction, observe)


def _place_pieces(
    path: Path,
    track: int | None,
    place: PlacedLink,
    placed: Span,
    start_s: float,
    channel: int | None,
    correction: Correction,
    observe: Observe | None,
) -> Generator[tuple[int, Samples], None, None]:
    """Yield (position, samples) of one file, or one link of its chain, at its place in the recording (`placed`)."""
    first = round(placed.start_s * SAMPLE_RATE_HZ)
    count = None if math.isinf(placed.end_s) else round(placed.end_s * SAMPLE_RATE_HZ) - first
    with _open_frames(path, track, place.link, start_s - placed.start_s) as frames:
        for at, samples in convert_frames(frames, path, channel, correction.weights, observe):
            if count is not None and at + len(samples) > count:
                # a codec's padding would overlap the next part
                yield first + at, samples[: max(0, count - at)]
                break
            yield first + at, samples


@contextlib.contextmanager
def _raise_if_shrunk(source: Path | Sequence[Part]) -> Iterator[None]:
    """Raise TransientError if a file has shrunk since it was probed: the silence at its end would become a result."""
    try:
        yield
    except (UnreadableAudio, GeneratorExit):  # the latter: the consumer has stopped early
        _check_sizes(source)
        raise
    _check_sizes(source)


def _check_sizes(source: Path | Sequence[Part]) -> None:
    for part in [] if isinstance(source, Path) else source:
        if part.size_bytes is None:
            continue
        try:
            now = os.stat(part.path).st_size
        except OSError as error:
            raise_if_inaccessible(Path(part.path), error)
            raise
        if now < part.size_bytes:
            raise TransientError(
                f"{format_path(part.path)}: it changed while it was read, from {part.size_bytes:,} bytes to {now:,}. "
                "Start again once it is whole."
            )


@contextlib.contextmanager
def _open_frames(path: Path, track: int | None, link: Link | None, start_s: float) -> Iterator[Iterator[TimedFrame]]:
    """Open frames from a little before `start_s` on; from the beginning where the file is not seekable."""
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(path, link, track))
        if start_s > PREROLL_S and source.seek(start_s - PREROLL_S):
            frames = source.read_frames()
            head = next(frames, None)
            if head is not None and head[1] is not None and head[1] <= start_s:
                yield itertools.chain([head], frames)
                return
        if start_s > PREROLL_S:  # a failed seek may have left it anywhere
            source = stack.enter_context(open_source(path, link, track))
        yield source.read_frames()
