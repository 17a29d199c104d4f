"""Archives in the place of recordings: whoever puts one there is told to unpack it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.audio.archives import describe_archive
from tasks.audio.end_check import find_missing
from tasks.audio.probe import probe
from tasks.errors import UnreadableAudio
from tests.helpers.sound_files import make_noise, write_sound


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.wav", content)
    return out.getvalue()


def tarred(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("a.wav")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("ZIP", zipped), ("tar", tarred), ("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress),
        ("7z", lambda content: b"7z\xbc\xaf\x27\x1c" + content),
        ("RAR", lambda content: b"Rar!\x1a\x07\x01" + content),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".zip", ".wav", ""])
def test_an_archive_is_told_whatever_its_name(
    tmp_path: Path, kind: str, pack: Callable[[bytes], bytes], ending: str
) -> None:
    sound = write_sound(tmp_path / "a.wav", make_noise(0.5)).read_bytes()
    path = tmp_path / f"monday{ending}"
    path.write_bytes(pack(sound))
    told = f"an archive ({kind}): unpack it, and put the recordings in it in its place"
    assert find_missing(path) == told  # while it waits in the inbox
    with pytest.raises(UnreadableAudio) as refused:  # in quarantine, and for a command
        probe(path)
    assert str(refused.value) == f"{path}: {told}."


def test_other_files_are_none(tmp_path: Path) -> None:
    assert describe_archive(write_sound(tmp_path / "a.wav", make_noise(0.5))) is None
    (tmp_path / "notes.txt").write_text("PK is not enough")
    assert describe_archive(tmp_path / "notes.txt") is None
    assert describe_archive(tmp_path / "gone") is None
