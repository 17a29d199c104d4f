"""What is no sound at all, no regular file, or has a name that is a trap."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus.containers import UNREADABLE, whole
from tests.corpus.kinds import RATE_HZ, TALK_S, CannotBeMade, Kind, add, kind, talk


def holding(
    name: str, file: str, content: bytes, refused: str = UNREADABLE, *, either: bool = False, listed: bool = True
) -> None:
    """A kind that is a file with just this in it."""

    def make(folder: Path) -> Path:
        path = folder / file
        path.write_bytes(content)
        return path

    add(Kind(name, make, refused=refused, either=either, speech=False, listed=listed))


RANDOM = np.random.default_rng(1).bytes(200_000)
holding("an empty file", "empty.wav", b"", "the file is empty")
holding("a single byte", "byte.mp3", b"\xff")
holding("a text called WAV", "text.wav", b"Minutes of the meeting\n" * 500)
holding("a web page called MP3", "page.mp3", b"<!doctype html><html><body><h1>404</h1>" + b"<p>no</p>" * 5000)
holding("random bytes called M4A", "random.m4a", RANDOM)
holding("random bytes called MP3", "random.mp3", RANDOM, either=True)
holding(
    "random bytes called AAX, as of a locked book", "book.aax", b"\0\0\0\x18ftypaax \0\0\0\0" + RANDOM, listed=False
)
holding("a megabyte of zeros called WAV", "zeros.wav", bytes(1_000_000))
holding("a megabyte of 0xff called MP3", "ones.mp3", b"\xff" * 1_000_000)
holding("a playlist called MP3", "list.mp3", b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n")
holding("a concat script called MKV", "script.mkv", b"ffconcat version 1.0\nfile /etc/hostname\n")


def good(path: Path, seconds: float = TALK_S) -> Path:
    """A file with nothing wrong but its name."""
    with path.open("wb") as file:
        soundfile.write(file, talk()[: round(seconds * RATE_HZ)], RATE_HZ, format="WAV")
    return path


NAMES = {
    "a newline": "two\nlines.wav",
    "quotes": 'it\'s "quoted" `twice`.wav',
    "Chinese, Arabic and an emoji": "会议 اجتماع 🎙.wav",
    "a leading dash": "-rf.wav",
    "250 characters": "x" * 246 + ".wav",
    "bytes that are no UTF-8": os.fsdecode(b"caf\xe9.wav"),
    "an escape sequence": "\x1b[31mred\x1b[0m.wav",
    "a colon and a percent sign": "http:%s 100%.wav",
    "nothing but blanks": "   .wav",
    "text that runs the other way": "\u202egnorw.wav",
}


def named(folder: Path, name: str) -> Path:
    try:
        # Each a little shorter: two recordings of the same bytes, whose names leave the same, would be one.
        return good(folder / name, TALK_S - 0.001 * list(NAMES.values()).index(name))
    except OSError as error:
        raise CannotBeMade(f"this file system has no such names ({error.strerror})") from error


def broken_and_named(folder: Path, name: str) -> Path:
    path = folder / ("bad" + (name if len(name) < 200 else name[3:]))
    try:
        path.write_text("no sound")
    except OSError as error:
        raise CannotBeMade(f"this file system has no such names ({error.strerror})") from error
    return path


for _what, _name in NAMES.items():
    add(Kind(f"a name with {_what}", functools.partial(named, name=_name), seconds=(5.9, 6.1)))
    add(
        Kind(
            f"a broken file, its name with {_what}",
            functools.partial(broken_and_named, name=_name),
            refused=UNREADABLE,
        )
    )


@kind("a dangling link", refused="a link to .*nowhere.*, which isn't there")
def dangling(folder: Path) -> Path:
    path = folder / "dangling.wav"
    path.symlink_to(folder / "nowhere" / "gone.wav")
    return path


@kind("links that point at each other", refused="a link that leads back to itself")
def loop(folder: Path) -> Path:
    (folder / "loop-a.lnk").symlink_to(folder / "loop-b.wav")
    (folder / "loop-b.wav").symlink_to(folder / "loop-a.lnk")
    return folder / "loop-b.wav"


@kind("a link to a good file", seconds=(5.9, 6.1))
def link(folder: Path) -> Path:
    path = folder / "link.wav"
    path.symlink_to(good(folder / "linked.sound"))
    return path


@kind("a named pipe", refused="not a regular file")
def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


@kind("a folder called WAV", refused="a folder", listed=False)
def called_wav(folder: Path) -> Path:
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


@kind("a file that may not be read", refused="no permission to read it")
def forbidden(folder: Path) -> Path:
    path = good(folder / "forbidden.wav")
    path.chmod(0)
    if os.access(path, os.R_OK):
        path.unlink()
        raise CannotBeMade("this user may read every file")
    return path


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


for _suffix in ("wav", "flac", "mp3", "opus", "m4a"):

    def _shrinking(folder: Path, suffix: str = _suffix) -> Path:
        path = folder / f"shrinks.{suffix}"
        path.write_bytes(whole(suffix))
        return path

    add(Kind(f"a {_suffix} that shrinks while it is read", _shrinking, refused="changed while", meanwhile=halve))


def taken_away(path: Path) -> None:
    path.unlink()


@kind("a file that goes away while it is read", refused="the file is gone", meanwhile=taken_away)
def goes(folder: Path) -> Path:
    return good(folder / "goes.wav")


@kind(
    "a file that becomes an empty one",
    refused="changed while",
    meanwhile=lambda path: os.truncate(path, 0),
)
def emptied(folder: Path) -> Path:
    return good(folder / "emptied.wav")
