"""Recordings of odd kinds and names through the whole flow: a transcript, or a refusal in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.reporting.outcome import Outcome
from tasks.errors import UnreadableAudio
from tasks.settings.home import sample
from tests.helpers.sound_files import write_sound, write_video

pytestmark = pytest.mark.usefixtures("prefect_server")

RATE = 16_000


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """Twelve seconds of the sample, float32 at 16 kHz."""
    from tasks.audio.decode import decode
    from tasks.intervals import Span

    return decode(sample(), Span(1.0, 13.0))


def process(path: Path, out: Path) -> Outcome:
    from flows.process_recording import process_recording

    return process_recording(str(path), {"profile": "demo", "out": str(out)})


def at_rate(talk: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    return np.asarray(soxr.resample(talk, RATE, rate), np.float32)


def lying_wav(folder: Path, talk: np.ndarray) -> Path:
    path = folder / "lies.wav"
    soundfile.write(path, talk, RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = (0x7FFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def cut_mp3(folder: Path, talk: np.ndarray) -> Path:
    path = write_sound(folder / "cut.mp3", talk, codec="libmp3lame")
    path.write_bytes(path.read_bytes()[:-3_000])
    return path


def six_channels(folder: Path, talk: np.ndarray) -> Path:
    return write_sound(folder / "six.flac", np.stack([talk] * 6, axis=1) * 0.3, codec="flac")


GOOD: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "a WAV whose header lies": lying_wav,
    "a truncated MP3": cut_mp3,
    "a video": lambda folder, talk: write_video(folder / "film.mp4", talk),
    "six channels": six_channels,
    "8 kHz": lambda folder, talk: write_sound(folder / "phone.wav", at_rate(talk, 8_000), 8_000),
    "96 kHz": lambda folder, talk: write_sound(folder / "studio.flac", at_rate(talk, 96_000), 96_000, codec="flac"),
    "spaces, a newline and an emoji": lambda folder, talk: write_sound(folder / "my talk\n🎙 two.wav", talk),
    "a name of 250 characters": lambda folder, talk: write_sound(folder / ("x" * 246 + ".wav"), talk),
    "a leading dash": lambda folder, talk: write_sound(folder / "-rf.wav", talk),
    "Markdown, HTML and SQL": lambda folder, talk: write_sound(folder / "<b>'; drop table--`.wav", talk),
}


@pytest.mark.parametrize("kind", GOOD)
def test_odd_recording_gives_a_transcript(kind: str, talk: np.ndarray, tmp_path: Path) -> None:
    path = GOOD[kind](tmp_path, talk)
    outcome = process(path, tmp_path / "out")
    assert outcome["status"] == "complete"
    assert outcome["source_name"] == path.name
    assert outcome["num_words"] >= 10
    assert outcome["num_speakers"] >= 1
    assert (Path(outcome["exports"]) / "transcript.srt").stat().st_size > 0


def test_recording_of_a_fifth_of_a_second(talk: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, talk[RATE : RATE + RATE // 5], RATE)
    outcome = process(path, tmp_path / "out")
    assert outcome["status"] == "complete"
    assert outcome["duration_s"] == pytest.approx(0.2, abs=0.01)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def words(path: Path) -> None:
    path.write_text("this is not sound\n" * 100)


def no_file(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("made", [nothing, words, no_file, Path.mkdir])
def test_unreadable_file_is_refused_in_one_line(made: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    made(path)
    with pytest.raises(UnreadableAudio) as refused:
        process(path, tmp_path / "out")
    assert "odd.wav" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_real_odd_files_work_or_are_refused(shared_data: Path, tmp_path: Path) -> None:
    done, refused = [], []
    for path in sorted((shared_data / "odd-files").iterdir()):
        if path.stat().st_size > 1_000_000:
            continue  # of the same kind as those above, and long
        try:
            process(path, tmp_path / "out")
            done.append(path.name)
        except UnreadableAudio as error:
            refused.append(Path(str(error).partition(":")[0]).name)
    assert {"zero_byte.wav", "null.wav"} <= set(refused)
    assert {"8_Channel_ID.m4a", "truncated.mp3"} <= set(done)
