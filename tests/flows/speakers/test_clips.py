"""Clips of voices and the sound in a report: what the engines heard, whatever channels and tracks a file has."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.report_audio import embed_audio_in_report, set_audio_paths
from tasks.audio.decode import decode, reference_audio
from tasks.audio.survey import find_correction
from tasks.exports.report.links import EMBEDDED_PREFIX
from tasks.intervals import Span
from tasks.records import Audio, Transcript
from tests.helpers.sample_voices import make_recording, publish_with_names

RATE, SECONDS = 16_000, 25


def hum(hz: float) -> np.ndarray:
    """Bursts of a tone with overtones, as loud as speech."""
    time = np.arange(SECONDS * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * k * hz * time) / k for k in (1, 2, 3, 4))
    return (0.1 * tone * (np.sin(2 * np.pi * 2 * time) > -0.5)).astype(np.float32)


def write_channels(path: Path, *channels: np.ndarray) -> Path:
    import soundfile

    soundfile.write(path, np.stack(channels, axis=1), RATE)
    return path


def write_tracks(path: Path, *tracks: np.ndarray) -> Path:
    """A Matroska file of one mono sound track for each array."""
    import av

    with av.open(str(path), "w", format="matroska") as file:
        streams = [file.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate = RATE
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return path


def measure_pitch_hz(path: Path) -> tuple[float, float]:
    """(the strongest frequency, the sound's RMS)."""
    samples = decode(path, Span(0.0, 4.0))
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) / 4.0, float(np.sqrt(np.mean(np.square(samples))))


def make_clips(sound: Path, tmp_path: Path, channels: Sequence[int] = (), track: int | None = None) -> list[Path]:
    """The clips of two speakers; the second one's turns are on the last of `channels`, if any are separated."""
    made = make_recording("talk", ["Ann", "Bea"], sound=sound)
    parts = tuple(replace(part, track=track) for part in made.recording.parts)
    made = replace(made, recording=replace(made.recording, parts=parts))
    if channels:
        turns = tuple(replace(t, channel=channels[int(t.speaker[-1])]) for t in made.turns)
        made = replace(made, turns=turns)
    sounds: list[Audio] = [reference_audio(made.recording, channel) for channel in channels or (None,)]
    heard = [reference_audio(made.recording, s.channel, find_correction(s)) for s in sounds]
    publish_with_names(made, tmp_path / "out", tmp_path / "voices", sounds=heard)
    return sorted((tmp_path / "voices" / "clips").glob("*.ogg"))


def test_clips_of_a_recording_whose_channels_cancel_have_its_sound(tmp_path: Path) -> None:
    sound = write_channels(tmp_path / "talk.flac", hum(200.0), -hum(200.0))
    clips = make_clips(sound, tmp_path)
    assert len(clips) == 2
    for clip in clips:
        hz, level = measure_pitch_hz(clip)
        assert hz == pytest.approx(200.0, abs=2.0)
        assert level > 0.03


def test_clips_of_separate_channels_have_the_speaker_s_alone(tmp_path: Path) -> None:
    sound = write_channels(tmp_path / "talk.flac", hum(200.0), hum(310.0))
    assert sorted(round(measure_pitch_hz(c)[0], -1) for c in make_clips(sound, tmp_path, (0, 1))) == [200.0, 310.0]


def test_clips_have_the_chosen_sound_track(tmp_path: Path) -> None:
    sound = write_tracks(tmp_path / "talk.mkv", hum(200.0), hum(310.0))
    assert {round(measure_pitch_hz(c)[0], -1) for c in make_clips(sound, tmp_path, track=2)} == {310.0}
    assert {round(measure_pitch_hz(c)[0], -1) for c in make_clips(sound, tmp_path / "first")} == {200.0}


def embed(sound: Path, tmp_path: Path, track: int | None = None) -> tuple[float, float]:
    """Pitch and level of the sound in the report of a recording that was transcribed with this `audio.track`."""
    made: Transcript = make_recording("talk", ["Ann", "Bea"], sound=tmp_path / "moved away.flac")
    made = replace(made, run=replace(made.run, settings={**made.run.settings, "audio": {"track": track}}))
    (part,) = embed_audio_in_report(set_audio_paths(made, sound)).recording.parts
    packed = tmp_path / "packed.opus"
    packed.write_bytes(base64.b64decode(part.path.removeprefix(EMBEDDED_PREFIX)))
    return measure_pitch_hz(packed)


def test_a_report_carries_the_sound_of_channels_that_cancel(tmp_path: Path) -> None:
    hz, level = embed(write_channels(tmp_path / "talk.flac", hum(200.0), -hum(200.0)), tmp_path)
    assert (hz, level > 0.03) == (pytest.approx(200.0, abs=2.0), True)


def test_a_report_carries_the_chosen_sound_track(tmp_path: Path) -> None:
    two = write_tracks(tmp_path / "talk.mkv", hum(200.0), hum(310.0))
    assert embed(two, tmp_path, 2)[0] == pytest.approx(310.0, abs=2.0)
    assert embed(two, tmp_path)[0] == pytest.approx(200.0, abs=2.0)
    one = write_channels(tmp_path / "second track.flac", hum(310.0))
    assert embed(one, tmp_path, 2)[0] == pytest.approx(310.0, abs=2.0), "a copy of that track alone"


def test_a_report_carries_a_quiet_recording_as_loud_as_it_was_heard(tmp_path: Path) -> None:
    _, level = embed(write_channels(tmp_path / "talk.flac", 1e-3 * hum(200.0)), tmp_path)
    assert level > 0.01
