"""The step `own-speech` reads a recording, however much several channels claim, once a channel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.audio import decode as decoding
from tasks.audio.bleed import remove_bleed
from tasks.audio.decode import load, reference_audio
from tasks.audio.probe import probe
from tasks.audio.source import Source, open_source
from tasks.audio.task import OwnSpeechJob, Watcher, find_own_speech
from tasks.contracts import read_own_speech
from tasks.intervals import Span
from tasks.records import Recording
from tasks.step import Manifest, Meter, StepContext
from tasks.storage.artifacts import ArtifactStore
from tests.helpers.sound_files import make_noise, write_sound

LENGTH_S = 200.0
CLAIMS = [Span(at_s, at_s + 3) for at_s in range(5, 120, 6)]
"""What both channels claim: 20 stretches, the last one ends a minute before the recording does."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A microphone, and another one that only hears what it hears, fainter; the file has no table of times."""
    wave = make_noise(LENGTH_S)
    path = tmp_path_factory.mktemp("own") / "a.aac"
    return probe(write_sound(path, np.stack([wave, 0.1 * wave], axis=1), codec="aac"))


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is opened to be decoded from now on."""
    found: list[Path] = []

    @contextlib.contextmanager
    def counted(path: Path, link: None = None, track: int | None = None) -> Iterator[Source]:
        found.append(path)
        with open_source(path, link, track) as source:
            yield source

    monkeypatch.setattr(decoding, "open_source", counted)
    return found


@pytest.fixture
def place(tmp_path: Path) -> StepContext:
    return StepContext(ArtifactStore(str(tmp_path)), load)


def own(
    recording: Recording, place: StepContext, speech: list[list[Span]], heard: Callable[[float], None]
) -> list[list[Span]]:
    """Each channel's own of its `speech`."""

    def mapped(spans: list[Span]) -> Manifest:
        rows = np.array([(s.start_s, s.end_s) for s in spans], np.float64).reshape(-1, 2)
        kept = place.store.put_arrays("speech-map", speech=rows, energy_db=np.full(400, -60.0))
        return Meter().manifest({"map": kept})

    job = OwnSpeechJob(tuple(reference_audio(recording, channel) for channel in range(2)))
    found = find_own_speech.fn(job, place, [mapped(s) for s in speech], Watcher(heard))
    return read_own_speech(place.store, found)


def test_each_channel_is_read_once_with_progress(recording: Recording, place: StepContext, opens: list[Path]) -> None:
    heard: list[float] = []
    first, second = own(recording, place, [CLAIMS, CLAIMS], heard.append)
    assert (first, second) == (CLAIMS, [])
    assert len(opens) == 2
    assert sum(heard) == 2 * 120.0  # not the minute behind, and not the block that is still being listened to


def test_uncontested_speech_is_not_read(recording: Recording, place: StepContext, opens: list[Path]) -> None:
    speech = [[Span(1, 9)], [Span(9, 20)]]
    assert own(recording, place, speech, lambda _: pytest.fail("read")) == speech
    assert opens == []


def test_three_channels_are_compared_pairwise_in_one_pass() -> None:
    begun: list[int] = []

    def hear(channel: int) -> Generator[np.ndarray, None, None]:
        begun.append(channel)
        yield from (np.zeros(60 * 16_000, np.float32) for _ in range(10))

    remove_bleed([CLAIMS, CLAIMS, CLAIMS], [-60.0] * 3, hear)
    assert sorted(begun) == [0, 1, 2]
