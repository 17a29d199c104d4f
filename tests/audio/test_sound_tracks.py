"""A file with several sound tracks: which one is taken is said, and `audio.track` chooses."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tasks.audio.combine import probe_files
from tasks.audio.decode import decode, reference_audio
from tasks.audio.probe import probe
from tasks.errors import UnreadableAudio
from tasks.intervals import Span
from tasks.settings.load import load
from tests.helpers.sound_files import make_noise, measure_similarity

RATE = 16_000
TRACKS = [("ger", 4.0), ("eng", 3.0)]


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    return [make_noise(length_s, seed=seed) for seed, (_, length_s) in enumerate(TRACKS)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, sounds: list[np.ndarray]) -> Path:
    """Two tracks, the second one marked as the default."""
    path = tmp_path_factory.mktemp("tracks") / "film.mkv"
    with av.open(str(path), "w") as file:
        streams = [file.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in sounds]
        for stream, (language, _) in zip(streams, TRACKS, strict=True):
            stream.metadata["language"] = language
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for stream, sound in zip(streams, sounds, strict=True):
            frame = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], format="s16", layout="mono")
            frame.rate, frame.pts = RATE, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("track", "taken"), [(None, 1), (1, 0), (2, 1)])
def test_the_track_is_heard(film: Path, sounds: list[np.ndarray], track: int | None, taken: int) -> None:
    recording = probe(film, track=track)
    assert recording.duration_s == pytest.approx(TRACKS[taken][1], abs=0.05)
    heard = decode(recording.parts, Span(0.5, 2.5))
    assert measure_similarity(heard, sounds[taken][RATE // 2 : 5 * RATE // 2]) > 0.99


def test_what_is_taken_is_said(film: Path, caplog: pytest.LogCaptureFixture) -> None:
    probe(film)
    assert caplog.messages == [
        "film.mkv: 2 sound tracks (1: ger, 1 channel; 2: eng, 1 channel); track 2 is taken, audio.track chooses "
        "another."
    ]


def test_a_track_that_is_not_there_is_refused(film: Path) -> None:
    with pytest.raises(UnreadableAudio, match=r"film\.mkv: has no sound track 3, but 2: set audio\.track"):
        probe_files([film], track=3)


def test_results_of_another_track_are_other_results(film: Path) -> None:
    keys = {reference_audio(probe(film, track=track)).key for track in (None, 1, 2)}
    assert len(keys) == 3


@pytest.mark.parametrize("profile", ["standard", "demo", "light"])
def test_the_default_leaves_the_digest_of_settings_alone(profile: str) -> None:
    default, chosen = (load({"profile": profile, **extra}) for extra in ({}, {"audio": {"track": 2}}))
    assert "track" not in default.result_facts()["audio"]
    assert chosen.result_facts()["audio"]["track"] == 2
    assert default.digest() != chosen.digest()
