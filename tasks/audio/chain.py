"""Files that are several, one behind the other, within one: their clocks start again at every link.

An Ogg may be chained by right (RFC 3533; radio streams begin a link with every song); FLAC, ADTS and MPEG-TS files
are put together with `cat`. Read as one file they end with a link, or play all at the rate of the first. So each link
is opened by itself; they follow each other without a gap.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path

from tasks.audio.duration import duration_of
from tasks.audio.links import starts_in
from tasks.audio.slices import Link
from tasks.audio.source import open_source, raise_if_gone
from tasks.errors import UnreadableAudio
from tasks.paths import format_path

_MOST_LINKS = 2_000
"""More are no chain but a file that means harm: a radio's day has some hundred songs."""


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A link with its span in the recording, seconds; `link` is None where the file isn't chained."""

    link: Link | None
    start_s: float
    end_s: float


def find_links(path: Path) -> tuple[PlacedLink, ...]:
    """The links of a file with their spans; a file that isn't chained is one link without end.

    Raises UnreadableAudio, TransientError where it can't be read.
    """
    try:
        found = path.stat()
        return _find_links(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise_if_gone(path, error)
        raise UnreadableAudio(f"{format_path(path)}: could not be read ({error.strerror}). Copy it again.") from error


@functools.lru_cache(maxsize=256)
def _find_links(path: Path, size: int, _mtime_ns: int) -> tuple[PlacedLink, ...]:
    one = (PlacedLink(None, 0.0, float("inf")),)
    starts = list(itertools.islice(starts_in(path, size), _MOST_LINKS + 1))
    if len(starts) < 2 or len(starts) > _MOST_LINKS:
        return one
    places: list[PlacedLink] = []
    at_s = 0.0
    for first, end in zip(starts, [*starts[1:], size], strict=True):
        link = Link(first, end)
        try:
            with open_source(path, link) as source:
                end_s = at_s + duration_of(source)
        except UnreadableAudio:
            continue  # a broken link; the others are sound
        places.append(PlacedLink(link, at_s, end_s))
        at_s = end_s
    return tuple(places) or one
