"""Chained files: several streams concatenated in one file, whose timestamps start again at every link.

Ogg allows chains (RFC 3533; radio streams begin a link with every song); FLAC, ADTS and MPEG-TS files are joined with
`cat`. Read as one file, they would end with the first link, or play all at its rate. So each link is opened by
itself; links follow each other without a gap.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path

from tasks.audio.duration import measure_duration_s
from tasks.audio.links import find_starts
from tasks.audio.slices import Link
from tasks.audio.source import open_source, raise_if_inaccessible
from tasks.errors import UnreadableAudio
from tasks.paths import format_path

_MAX_LINKS = 2_000
"""Limit of links in a chain: a radio's day has some hundred songs, and a file with more is hostile."""


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A link and its span in the file's sound, seconds; `link` is None where the file isn't chained."""

    link: Link | None
    start_s: float
    end_s: float


def find_links(path: Path, track: int | None = None) -> tuple[PlacedLink, ...]:
    """Find the links of a file with their spans; a file that isn't chained is one link without end.

    `track`: as for `open_source`.
    Raises UnreadableAudio, TransientError where it can't be read.
    """
    try:
        found = path.stat()
        return _find_links(path, track, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise_if_inaccessible(path, error)
        raise UnreadableAudio(f"{format_path(path)}: could not be read ({error.strerror}). Copy it again.") from error


@functools.lru_cache(maxsize=256)
def _find_links(path: Path, track: int | None, size: int, _mtime_ns: int) -> tuple[PlacedLink, ...]:
    unchained = (PlacedLink(None, 0.0, float("inf")),)
    starts = list(itertools.islice(find_starts(path, size), _MAX_LINKS + 1))
    if len(starts) < 2 or len(starts) > _MAX_LINKS:
        return unchained
    places: list[PlacedLink] = []
    at_s = 0.0
    for first, end in zip(starts, [*starts[1:], size], strict=True):
        link = Link(first, end)
        try:
            with open_source(path, link, track) as source:
                end_s = at_s + measure_duration_s(source)
        except UnreadableAudio:
            continue  # a broken link; the others can be read
        places.append(PlacedLink(link, at_s, end_s))
        at_s = end_s
    return tuple(places) or unchained
