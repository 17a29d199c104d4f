"""Whether a file's end is there, told of files that are cut as copies that are under way are."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings

from tasks.audio.end_check import find_missing
from tests.helpers.sound_files import make_noise, write_sound

CODECS = {
    "a.wav": "pcm_s16le", "a.aiff": "pcm_s16be", "a.flac": "flac", "a.mp3": "libmp3lame", "a.opus": "libopus",
    "a.m4a": "aac", "a.mov": "aac", "a.mka": "libopus",
}  # fmt: skip


def made(folder: Path, name: str) -> Path:
    return write_sound(folder / name, make_noise(20), codec=CODECS[name])


@pytest.mark.parametrize("name", CODECS)
def test_complete_file_misses_nothing(tmp_path: Path, name: str) -> None:
    assert find_missing(made(tmp_path, name)) is None


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("part", [0.001, 0.3, 0.8])
def test_partial_copy_misses_its_end(tmp_path: Path, name: str, part: float) -> None:
    path = made(tmp_path, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert find_missing(path)


@pytest.mark.parametrize("length", [0, 0x7FFF_FFF0, 0xFFFF_FFFF])
def test_placeholder_length_counts_as_complete(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(16_000), 16_000, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = length.to_bytes(4, "little")
    path.write_bytes(data)
    assert find_missing(path) is None


def headed(path: Path, header: bytes, size: int) -> Path:
    """A file that begins so; its sound is a hole, which takes no room."""
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def wav(data_bytes: int, magic: bytes = b"RIFF") -> bytes:
    """The header of 16-bit mono at 16 kHz; lengths that are too long for it stand where EBU Tech 3306 has them."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    if magic == b"RIFF":
        return magic + struct.pack("<I4s", 36 + data_bytes, b"WAVE") + form + struct.pack("<4sI", b"data", data_bytes)
    long = struct.pack("<4sIQQQI", b"ds64", 28, 72 + data_bytes, data_bytes, data_bytes // 2, 0)
    return magic + struct.pack("<I4s", 0xFFFF_FFFF, b"WAVE") + long + form + struct.pack("<4sI", b"data", 0xFFFF_FFFF)


@pytest.mark.parametrize("magic", [b"RIFF", b"RF64", b"BW64"])
@pytest.mark.parametrize("hours", [1, 18, 19, 24, 36])
def test_partial_copy_of_long_file_misses_its_end(tmp_path: Path, magic: bytes, hours: int) -> None:
    promised = hours * 3600 * 32_000
    header = wav(promised, magic)
    whole = len(header) + promised
    assert (
        find_missing(headed(tmp_path / "half.wav", header, whole // 2))
        == f"{whole - whole // 2:,} bytes of it are not there yet"
    )
    assert find_missing(headed(tmp_path / "whole.wav", header, whole)) is None


@given(
    magic=st.sampled_from((b"RIFF", b"FORM", b"\0\0\0\x18ftyp", b"OggS", b"\x1a\x45\xdf\xa3", b"ID3", b"\xff\xfb")),
    rest=st.binary(max_size=200),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_headers_do_not_raise(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(magic + rest)
    assert find_missing(path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"some notes of a meeting", b"\x00" * 1000, b"ID3\x04"])
def test_unopenable_file_is_incomplete(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert find_missing(path)


def test_preallocated_room_is_not_scanned(tmp_path: Path) -> None:
    path = made(tmp_path, "a.wav")
    with path.open("r+b") as file:
        file.truncate(2**34)  # a hole: it takes no room here either
    began = time.monotonic()
    assert find_missing(path) is None
    assert time.monotonic() - began < 30
