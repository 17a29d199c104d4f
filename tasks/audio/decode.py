"""A recording's sound as numbers: one span by itself, or everything once, block by block.

A recording is a file, or several that lie one after the other with or without gaps. Both give float32 samples at
16 kHz, mono: the mean of the channels, or one channel. Both place samples by presentation time, so a span decoded
by itself equals that span of the whole, and what cannot be decoded leaves silence of its length. A chunk is a
reference, never an array passed between tasks, and several steps want the same one within seconds: `load` keeps
the last few spans for them.
"""

from __future__ import annotations

import contextlib
import itertools
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
from tasks.audio.edits import LONGEST_S, lift_quiet
from tasks.audio.pieces import Samples, pieces
from tasks.audio.source import PREROLL_S, open_source, raise_if_gone
from tasks.errors import TransientError, UnreadableAudio
from tasks.intervals import Span
from tasks.paths import format_path
from tasks.records import SAMPLE_RATE_HZ, Audio, Part, Recording

if TYPE_CHECKING:
    from tasks.audio.slices import Link
    from tasks.audio.source import TimedFrame

KEPT = 4
"""Spans held at a time: 15.5 minutes are 60 MB."""

DECODER_VERSION = 2
"""Enters cache keys: raise it when the same file comes out as other samples."""

OpenArtifact = Callable[[str], Samples]

_spans: OrderedDict[tuple[Audio, Span], Future[Samples]] = OrderedDict()
_lock = threading.Lock()


def decode(source: Path | Sequence[Part], span: Span, *, channel: int | None = None) -> Samples:
    """`span` of the recording as float32 (n,) at 16 kHz, n = round(span.duration_s * 16000).

    Silent before 0, between parts and past the recording's end. Raises UnreadableAudio; TransientError if a file is
    gone or has lost bytes since it was probed.
    """
    first, size = round(span.start_s * SAMPLE_RATE_HZ), round(span.duration_s * SAMPLE_RATE_HZ)
    out = np.zeros(size, np.float32)
    with _raise_if_shrunk(source), contextlib.closing(_pieces(source, span.start_s, channel)) as found:
        for at, samples in found:
            if at >= first + size:
                break
            skip, place = max(0, first - at), max(0, at - first)
            part = samples[skip : skip + size - place]
            out[place : place + len(part)] = part
    return out


def stream(
    source: Path | Sequence[Part], block_s: float = 60.0, *, channel: int | None = None
) -> Generator[Samples, None, None]:
    """The whole recording once, in blocks of `block_s` (the last one shorter), in constant memory.

    Raises as `decode` does, where it is closed before the end, too.
    """
    size = round(block_s * SAMPLE_RATE_HZ)
    block, filled = np.zeros(size, np.float32), 0
    cursor = 0  # the next sample to be given out
    with _raise_if_shrunk(source), contextlib.closing(_pieces(source, 0.0, channel)) as found:
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


def audio_of(recording: Recording, channel: int | None = None) -> Audio:
    """The reference to a recording's own sound: all channels mixed, or one."""
    what = "mix" if channel is None else f"channel-{channel}"
    key = f"{recording.sha256}/{what}/decode-{DECODER_VERSION}"
    return Audio(key=key, parts=recording.parts, channel=channel)


def load(audio: Audio, span: Span, open_artifact: OpenArtifact | None = None) -> Samples:
    """`span` as float32 (n,) at 16 kHz, n = round(span.duration_s * 16000); read-only and shared.

    A very quiet span is lifted to a level that recognisers know (see `edits.lift_quiet`).
    `open_artifact` turns an artifact's name into its samples (mono, 16 kHz, from `audio.offset_s` on).
    """
    key = (audio, span)
    with _lock:
        future = _spans.get(key)
        mine = future is None
        if future is None:
            future = _spans[key] = Future()
            while len(_spans) > KEPT:  # whoever still waits for one of these holds it
                _spans.popitem(last=False)
        _spans.move_to_end(key)
    if mine:
        try:
            samples = _read(audio, span, open_artifact)
            samples.setflags(write=False)
            future.set_result(samples)
        except BaseException as error:
            with _lock:
                if _spans.get(key) is future:
                    del _spans[key]
            future.set_exception(error)
    return future.result()


def forget() -> None:
    """Drop all spans that are held."""
    with _lock:
        _spans.clear()


def _read(audio: Audio, span: Span, open_artifact: OpenArtifact | None) -> Samples:
    if audio.artifact is None:
        if not audio.parts:
            raise ValueError(f"{audio.key}: neither a file nor an artifact")
        samples = decode(audio.parts, span, channel=audio.channel)
        return lift_quiet(samples) if span.duration_s <= LONGEST_S else samples
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


def _pieces(
    source: Path | Sequence[Part], start_s: float, channel: int | None
) -> Generator[tuple[int, Samples], None, None]:
    """(position, samples) at 16 kHz from a little before `start_s` on, one part after the other."""
    for part in [Part("", "", 0.0, math.inf, str(source))] if isinstance(source, Path) else source:
        if part.start_s + part.duration_s <= start_s:
            continue
        path = Path(part.path)
        for place in find_links(path):
            lies = Span(part.start_s + place.start_s, part.start_s + min(place.end_s, part.duration_s))
            if place.start_s < part.duration_s and lies.end_s > start_s:
                yield from _place_pieces(path, place, lies, start_s, channel)


def _place_pieces(
    path: Path, place: PlacedLink, lies: Span, start_s: float, channel: int | None
) -> Generator[tuple[int, Samples], None, None]:
    """The pieces of one file, or one link of its chain, that `lies` there in the recording."""
    first = round(lies.start_s * SAMPLE_RATE_HZ)
    count = None if math.isinf(lies.end_s) else round(lies.end_s * SAMPLE_RATE_HZ) - first
    with _frames_from(path, place.link, start_s - lies.start_s) as frames:
        for at, samples in pieces(frames, path, channel):
            if count is not None and at + len(samples) > count:
                # a codec's padding would sound over what follows
                yield first + at, samples[: max(0, count - at)]
                break
            yield first + at, samples


@contextlib.contextmanager
def _raise_if_shrunk(source: Path | Sequence[Part]) -> Iterator[None]:
    """Sees to it that what was read is what was probed: silence where bytes were lost would be kept as a result."""
    try:
        yield
    except (UnreadableAudio, GeneratorExit):  # the latter: whoever listened has heard enough
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
            raise_if_gone(Path(part.path), error)
            raise
        if now < part.size_bytes:
            raise TransientError(
                f"{format_path(part.path)}: it changed while it was read, from {part.size_bytes:,} bytes to {now:,}. "
                "Start again once it is whole."
            )


@contextlib.contextmanager
def _frames_from(path: Path, link: Link | None, start_s: float) -> Iterator[Iterator[TimedFrame]]:
    """Frames from a little before `start_s` on; from the very beginning where the file cannot be sought."""
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(open_source(path, link))
        if start_s > PREROLL_S and source.seek(start_s - PREROLL_S):
            frames = source.frames()
            head = next(frames, None)
            if head is not None and head[1] is not None and head[1] <= start_s:
                yield itertools.chain([head], frames)
                return
        if start_s > PREROLL_S:  # a failed seek may have left it anywhere
            source = stack.enter_context(open_source(path, link))
        yield source.frames()
