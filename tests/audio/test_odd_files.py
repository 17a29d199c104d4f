"""What probing refuses, in one line, and what it makes the best of."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from tasks.audio.decode import decode, stream
from tasks.audio.probe import probe, slugify
from tasks.errors import PermanentError, UnreadableAudio, UsageError
from tasks.intervals import Span
from tests.helpers.sound_files import make_noise, write_sound, write_video

RATE = 16_000


def refused(path: Path) -> str:
    """What the refusal of `path` says."""
    with pytest.raises(UnreadableAudio) as caught:
        probe(path)
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, PermanentError)
    return message


def streamed_s(path: Path) -> float:
    return sum(len(block) for block in stream(path)) / RATE


def test_missing_file(tmp_path: Path) -> None:
    assert "nothing.wav: no such file" in refused(tmp_path / "nothing.wav")


def test_a_folder(tmp_path: Path) -> None:
    assert "a folder, not a recording" in refused(tmp_path)


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "zero.wav"
    path.touch()
    assert "zero.wav: the file is empty" in refused(path)


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Minutes of the meeting\n" * 200)
    assert "notes.txt: not a sound or video file" in refused(path)


def test_a_text_file_named_mp3(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp3"
    path.write_text("Minutes of the meeting\n" * 200)
    assert "notes.mp3: " in refused(path)


def test_an_image(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), "red").save(path)
    assert "photo.png: " in refused(path)


def test_playlist_opens_no_other_files(tmp_path: Path) -> None:
    write_sound(tmp_path / "secret.wav", make_noise(1))
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.wav\n#EXT-X-ENDLIST\n")
    assert "list.m3u8: not a sound or video file" in refused(path)


def test_a_header_without_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "header.wav", make_noise(1))
    path.write_bytes(path.read_bytes()[:44])
    assert "header.wav: " in refused(path)


def test_a_file_without_read_permission(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "locked.wav", make_noise(1))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(PermanentError, match="no permission"):
        probe(path)


def test_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in refused(tmp_path / "pipe.wav")


def test_truncated_mp3_has_its_remaining_duration(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cut.mp3", make_noise(60), codec="libmp3lame")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path).duration_s == pytest.approx(30, abs=1)
    assert probe(path).duration_s == pytest.approx(streamed_s(path), abs=0.002)


@pytest.mark.parametrize("promise", [0xFFFFFFFF, 0, 50_000_000])
def test_wav_with_wrong_length(tmp_path: Path, promise: int) -> None:
    path = write_sound(tmp_path / "liar.wav", make_noise(10))
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", promise)
    path.write_bytes(data)
    assert probe(path).duration_s == pytest.approx(10, abs=0.01)
    assert streamed_s(path) == pytest.approx(10, abs=0.01)


def test_wav_longer_than_header_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sound(tmp_path / "long.wav", make_noise(10))
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 64_000)  # what is left of the length modulo 4 GiB
    path.write_bytes(data)
    monkeypatch.setattr("tasks.audio.wav.RIFF_LIMIT", 300_000)
    assert probe(path).duration_s == pytest.approx(10, abs=0.01)
    np.testing.assert_allclose(decode(path, Span(7, 8)), make_noise(10)[7 * RATE : 8 * RATE], atol=1e-4)


@pytest.mark.parametrize("name", ["x.flac", "x.opus", "x.mkv", "x.aac"])
def test_a_truncated_file_of_other_kinds(tmp_path: Path, name: str) -> None:
    codec = {"flac": "flac", "opus": "libopus", "mkv": "libopus", "aac": "aac"}[name[2:]]
    path = write_sound(tmp_path / name, make_noise(40), codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = probe(path).duration_s
    assert 15 < found < 25
    assert found == pytest.approx(streamed_s(path), abs=0.05)


def test_real_odd_files(shared_data: Path) -> None:
    odd = shared_data / "odd-files"
    assert probe(odd / "truncated.mp3").duration_s == pytest.approx(109.62, abs=0.05)
    assert probe(odd / "truncated_header_too_long.wav").duration_s == pytest.approx(110.18, abs=0.05)
    assert probe(odd / "ls2_stereo_24k.opus").channels == 2
    eight = probe(odd / "8_Channel_ID.m4a")
    assert (eight.channels, eight.sample_rate_hz, eight.codec) == (8, 48_000, "aac")
    assert decode(odd / "8_Channel_ID.m4a", Span(0, 8), channel=7).any()
    for name in ("zero_byte.wav", "null.wav", "evil.wav"):
        assert name in refused(odd / name)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_video_has_duration_of_its_audio(tmp_path: Path, name: str) -> None:
    found = probe(write_video(tmp_path / name, make_noise(8)))
    assert (found.codec, found.channels) == ("aac", 1)
    assert found.duration_s == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 6), (8_000, 1), (96_000, 1), (44_100, 2)])
def test_unusual_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)
    wave = np.stack([tone] * channels, axis=1)
    found = probe(write_sound(tmp_path / "x.wav", wave, rate))
    assert (found.sample_rate_hz, found.channels) == (rate, channels)
    assert found.duration_s == pytest.approx(3)
    heard = decode(tmp_path / "x.wav", Span(1, 2))
    np.testing.assert_allclose(heard, 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE), atol=1e-3)


@pytest.mark.parametrize(("name", "codec"), [("x.wav", "pcm_s16le"), ("x.mp3", "libmp3lame"), ("x.opus", "libopus")])
def test_a_fifth_of_a_second(tmp_path: Path, name: str, codec: str) -> None:
    path = write_sound(tmp_path / name, make_noise(0.2), codec=codec)
    assert probe(path).duration_s == pytest.approx(0.2, abs=0.06)
    assert len(decode(path, Span(0, 0.2))) == 3200


def test_pure_silence_is_a_recording(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "silence.flac", np.zeros(5 * RATE, np.float32), codec="flac")
    assert probe(path).duration_s == pytest.approx(5)
    assert not decode(path, Span(1, 4)).any()


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("two words.wav", "two-words"),
        ("line\nbreak.wav", "line-break"),
        ("🎙️ interview.wav", "interview"),
        ("🎙️.wav", "recording"),
        ("-rf.wav", "rf"),
        ("http:x.wav", "http-x"),
        ("100%d.wav", "100-d"),
        ("x" * 245 + ".wav", "x" * 60),
        (".wav", "wav"),
        (os.fsdecode(b"caf\xe9.wav"), "caf"),
    ],
)
def test_unusual_file_names(tmp_path: Path, name: str, identity: str) -> None:
    path = tmp_path / name
    shutil.copyfile(write_sound(tmp_path / "plain.wav", make_noise(1)), path)
    found = probe(path)
    assert found.recording_id == f"{identity}-{found.sha256[:8]}"
    assert found.source_name.encode("utf-8")
    assert found.duration_s == pytest.approx(1)
    path.write_text("no sound")
    assert refused(path)


def test_a_relative_name_with_a_leading_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sound(tmp_path / "-i.wav", make_noise(1))
    monkeypatch.chdir(tmp_path)
    found = probe(Path("-i.wav"))
    assert found.path == str(tmp_path / "-i.wav")


def test_identity_is_digest_of_bytes(tmp_path: Path) -> None:
    one, two = write_sound(tmp_path / "a.wav", make_noise(1)), tmp_path / "b.wav"
    shutil.copyfile(one, two)
    assert probe(one).sha256 == probe(two).sha256
    assert probe(one).parts[0].sha256 == probe(one).sha256


@pytest.mark.parametrize("stem", ["", "-", "...", "ÄÖÜ", "a" * 300, "日本語", "x--y  z"])
def test_slug_characters(stem: str) -> None:
    made = slugify(stem)
    assert 1 <= len(made) <= 60
    assert made.strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    assert not made.startswith("-")
    assert not made.endswith("-")


def test_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Mars/Olympus"):
        probe(tmp_path / "nothing.wav", timezone="Mars/Olympus")
