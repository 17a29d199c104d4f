"""A kind of broken or odd file: how to make one, and what should become of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
TALK_S = 6.0

Maker = Callable[[Path], Path]


@dataclass(frozen=True, slots=True)
class Kind:
    """`make` writes the file into a folder, under a name that no other kind has."""

    name: str
    make: Maker
    refused: str | None = None
    """A pattern that the one line of its refusal matches; None: it becomes a transcript."""
    either: bool = False
    """Whether it may also become a transcript: where chance decides what is left of it."""
    seconds: tuple[float, float] | None = None
    """How long it is found to be, at least and at most."""
    speech: bool = True
    """Whether speech is still heard in it."""
    steady: bool = True
    """Whether a span decoded by itself equals that span of the whole."""
    meanwhile: Callable[[Path], None] | None = None
    """What happens to the file once it has been probed."""
    listed: bool = True
    """Whether a folder's recordings include it."""


class CannotBeMade(Exception):
    """This machine, or this user, has no such file."""


KINDS: dict[str, Kind] = {}


def add(kind: Kind) -> None:
    if kind.name in KINDS:
        raise ValueError(f"{kind.name}: there is such a kind already")
    KINDS[kind.name] = kind


def kind(
    name: str,
    refused: str | None = None,
    seconds: tuple[float, float] | None = None,
    *,
    either: bool = False,
    speech: bool = True,
    steady: bool = True,
    meanwhile: Callable[[Path], None] | None = None,
    listed: bool = True,
) -> Callable[[Maker], Maker]:
    """Registers a maker."""

    def register(make: Maker) -> Maker:
        add(Kind(name, make, refused, either, seconds, speech, steady, meanwhile, listed))
        return make

    return register


@functools.cache
def talk(seconds: float = TALK_S) -> npt.NDArray[np.float32]:
    """The sample from its second second on, float32 (n,) at 16 kHz."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    return decode(sample(), Span(1.0, 1.0 + seconds))


@functools.cache
def talk_at(rate_hz: int) -> npt.NDArray[np.float32]:
    """`talk` at another rate."""
    import soxr

    return np.asarray(soxr.resample(talk(), RATE_HZ, rate_hz), np.float32)
