"""Every kind of broken or odd file becomes a recording, or is refused in one line, in bounded time and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.audio.folder import list_recordings
from tests.corpus import KINDS, CannotBeMade
from tests.corpus.places import good
from tests.corpus.tried import Tried, Trier

MOST_GROWN_MB = 250.0
"""By how much memory may grow over a file of seconds; eight channels at 96 kHz are 18 MB a second."""
LONGEST_S = 20.0
FORTY = 40


@pytest.fixture(scope="module")
def tried() -> Iterator[Trier]:
    with Trier() as trier:
        yield trier


@pytest.mark.parametrize("name", KINDS)
def test_kind_of_file(name: str, tried: Trier, tmp_path: Path) -> None:
    kind, beside = KINDS[name], good(tmp_path / "beside.wav", seconds=1.0)
    try:
        path = kind.make(tmp_path)
    except CannotBeMade as error:
        pytest.skip(str(error))
    listed = list_recordings(tmp_path)
    assert beside in listed
    assert (path in listed) == kind.listed

    found = tried(path, name)
    assert found.grown_mb < MOST_GROWN_MB
    assert found.took_s < LONGEST_S
    if found.outcome == "success" and (kind.refused is None or kind.either):
        is_sound(found, name)
    else:
        assert found.outcome == "refused", f"{found.outcome}: {found.message}"
        assert kind.refused is not None, found.message
        is_a_clear_line(found.message, path, kind.refused)

    assert tried(beside).outcome == "success"


def is_sound(found: Tried, name: str) -> None:
    """What the engines would be given is what is in the file."""
    kind = KINDS[name]
    assert found.odd == ""
    if kind.seconds is not None:
        least, most = kind.seconds
        assert least <= found.duration_s <= most
    if kind.speech:
        assert found.speech_s > 1.0
    if kind.steady:
        assert found.off_ms <= 20
        assert found.likeness > 0.9


def is_a_clear_line(message: str, path: Path, says: str) -> None:
    """What, which file, what to do next."""
    assert message.isprintable()  # one line, and nothing that a terminal would obey
    assert "Traceback" not in message
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path.name)
    assert f"{shown}: " in message
    assert re.search(says, message)
    after = message.partition(f"{shown}: ")[2]
    assert len(re.findall(r"[.?](?: |$)", after)) >= 2, "what is wrong, and what to do"


def test_corpus_size() -> None:
    assert len(KINDS) >= FORTY


def test_hang_and_crash_are_reported(tried: Trier, tmp_path: Path) -> None:
    """The watched process itself: what it can't answer is neither a success nor a refusal."""
    good(tmp_path / "good.wav")
    with Trier() as own:
        assert own(tmp_path / "good.wav").outcome == "success"
        own.kill()
        assert own(tmp_path / "good.wav").outcome == "broken"
        assert own(tmp_path / "good.wav").outcome == "success"
