"""A decoder that dies or hangs takes nobody with it: files are first opened in a process of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.audio import isolated_open
from tasks.audio.isolated_open import IsolatedOpener
from tasks.engines.engine import Engine
from tasks.errors import EngineDied
from tests.helpers.sound_files import make_noise, write_sound


@pytest.fixture
def opener() -> Iterator[IsolatedOpener]:
    opened = IsolatedOpener()
    yield opened
    opened.close()


def test_result_equals_in_process_result(opener: IsolatedOpener, tmp_path: Path) -> None:
    whole = write_sound(tmp_path / os.fsdecode(b"caf\xe9.wav"), make_noise(1))
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:-1_000])
    assert opener.find_missing(whole) is None
    assert opener.find_missing(cut) == "1,000 bytes of it are not there yet"
    assert opener.find_missing(tmp_path / "gone.wav") is None


def test_crash_or_hang_raises_and_next_file_opens(
    opener: IsolatedOpener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        isolated_open, "OPENER", Engine.of("audio/opening", "tests.helpers.crashing_opener:CrashingOpener")
    )
    good = write_sound(tmp_path / "good.wav", make_noise(1))
    crash, hang = (
        write_sound(tmp_path / "crash.wav", make_noise(1)),
        write_sound(tmp_path / "hang.wav", make_noise(1)),
    )
    with pytest.raises(EngineDied, match="exit status -11"):
        opener.find_missing(crash)
    assert opener.find_missing(good) is None
    monkeypatch.setattr(isolated_open, "TIMEOUT_S", 1.0)
    with pytest.raises(EngineDied, match="did not answer within 1"):
        opener.find_missing(hang)
    monkeypatch.setattr(isolated_open, "TIMEOUT_S", 180.0)
    assert opener.find_missing(good) is None
