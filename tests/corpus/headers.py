"""Headers that lie: about lengths, rates, channels and what follows."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.corpus.containers import UNREADABLE, whole
from tests.corpus.kinds import TALK_S, Kind, add, kind, talk_at

FIFTY_HOURS_S = 50 * 3600
ABOUT = (TALK_S - 0.2, TALK_S + 0.2)

Change = Callable[[bytearray], None]


def changed(name: str, file: str, change: Change, **expected: object) -> None:
    """A kind that is a whole file with some bytes of its header put another way."""

    def make(folder: Path) -> Path:
        path = folder / file
        data = bytearray(whole(path.suffix[1:]))
        change(data)
        path.write_bytes(data)
        return path

    add(Kind(name, make, **expected))  # type: ignore[arg-type]


def put(form: str, value: float, tag: bytes, after: int) -> Change:
    """A change: `value` at `after` bytes from where `tag` begins."""

    def change(data: bytearray) -> None:
        struct.pack_into(form, data, data.index(tag) + after, value)

    return change


@kind("a WAV that says it has 50 hours", seconds=ABOUT)
def fifty_wav(folder: Path) -> Path:
    """At 8 kHz: RIFF counts in 32 bits, and fifty hours have to fit in."""
    path = folder / "fifty.wav"
    soundfile.write(path, talk_at(8_000), 8_000, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    put("<I", 16_000 * FIFTY_HOURS_S, b"data", 4)(data)
    put("<I", 16_000 * FIFTY_HOURS_S + 36, b"RIFF", 4)(data)
    path.write_bytes(data)
    return path


changed("a WAV that lies about its bytes a second", "a-second.wav", put("<I", 11_025, b"fmt ", 16), seconds=ABOUT)
changed("a WAV that says it has no sound", "none.wav", put("<I", 0, b"data", 4), seconds=ABOUT)
changed("a WAV of 0 Hz", "rate-0.wav", put("<I", 0, b"fmt ", 12), refused=UNREADABLE)
changed(
    "a WAV of 2 GHz",
    "rate-2g.wav",
    put("<I", 2**31 - 1, b"fmt ", 12),
    refused="as no sound has: its header is damaged",
)
changed("a WAV of 1 Hz", "rate-1.wav", put("<I", 1, b"fmt ", 12), refused="as no sound has: its header is damaged")
changed("a WAV without channels", "channels-0.wav", put("<H", 0, b"fmt ", 10), refused=UNREADABLE)
changed("a WAV of 65,535 channels", "channels-65535.wav", put("<H", 65_535, b"fmt ", 10), refused=UNREADABLE)
changed("a WAV of 7 bits", "bits-7.wav", put("<H", 7, b"fmt ", 22), seconds=(5.9, 12.1), speech=False)
changed("a WAV that says it has two channels", "channels-2.wav", put("<H", 2, b"fmt ", 10), seconds=(2.9, 3.1))
changed("a WAV of an unknown codec", "codec.wav", put("<H", 0x7777, b"fmt ", 8), refused=UNREADABLE)
changed("a WAV whose format takes 4 GB", "format.wav", put("<I", 2**32 - 1, b"fmt ", 4), refused=UNREADABLE)


def _flac_samples(count: int) -> Change:
    def change(data: bytearray) -> None:
        at = data.index(b"fLaC") + 8 + 13  # 36 bits, after the rate, the channels and the bits
        data[at] = data[at] & 0xF0 | count >> 32
        struct.pack_into(">I", data, at + 1, count & 0xFFFFFFFF)

    return change


changed("a FLAC that says it has 50 hours", "fifty.flac", _flac_samples(16_000 * FIFTY_HOURS_S), seconds=ABOUT)
changed("a FLAC that doesn't know its length", "unknown.flac", _flac_samples(0), seconds=ABOUT)


changed(
    "an M4A that says it has 50 hours", "fifty.m4a", put(">I", 16_000 * FIFTY_HOURS_S, b"mdhd", 20), seconds=ABOUT
)
changed("an M4A whose every frame lasts 18 hours", "stts.m4a", put(">I", 2**30, b"stts", 16), refused=UNREADABLE)
changed("an M4A whose frames take 2 GB", "stsz.m4a", put(">I", 2**31 - 1, b"stsz", 8), refused=UNREADABLE)
changed("an M4A whose sound lies past its end", "stco.m4a", put(">I", 2**31, b"stco", 12), refused=UNREADABLE)
changed("an M4A with four billion frames", "stsz-count.m4a", put(">I", 2**32 - 1, b"stsz", 12), refused=UNREADABLE)


def _locked(data: bytearray) -> None:
    """As a shop's lock leaves it: the codec has another name, and the sound is noise."""
    at = data.index(b"stsd") + 16
    data[at : at + 4] = b"drms"
    sound = data.index(b"mdat") + 4
    size = struct.unpack_from(">I", data, sound - 8)[0] - 8
    data[sound : sound + size] = np.random.default_rng(3).bytes(size)


changed("an M4A that is locked", "locked.m4a", _locked, refused=UNREADABLE, either=True, speech=False, steady=False)


def _ogg_end(granule: int) -> Change:
    """The last page's clock, and its checksum after it."""

    def change(data: bytearray) -> None:
        at = data.rindex(b"OggS")
        struct.pack_into("<q", data, at + 6, granule)
        struct.pack_into("<I", data, at + 22, 0)
        struct.pack_into("<I", data, at + 22, ogg_checksum(bytes(data[at:])))

    return change


def ogg_checksum(page: bytes) -> int:
    """CRC-32 as Ogg has it: polynomial 0x04c11db7, not reflected, starting at 0."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


changed("an Opus file that ends at 50 hours", "fifty.opus", _ogg_end(48_000 * FIFTY_HOURS_S), seconds=ABOUT)
changed("an Opus file that ends in a million years", "ages.opus", _ogg_end(2**60), seconds=ABOUT)
changed("an Opus file that ends before it begins", "before.opus", _ogg_end(-(2**40)), seconds=ABOUT)


def _mkv_length(data: bytearray) -> None:
    at = data.index(b"\x44\x89\x88")  # Duration, a float64
    struct.pack_into(">d", data, at + 3, FIFTY_HOURS_S * 1000.0)


changed("an MKV that says it has 50 hours", "fifty.mkv", _mkv_length, seconds=ABOUT)


def _mka_clock(scale: int) -> Change:
    """Milliseconds counted in units of `scale` ns."""

    def change(data: bytearray) -> None:
        at = data.index(b"\x2a\xd7\xb1\x83")  # TimestampScale, three bytes
        data[at + 4 : at + 7] = scale.to_bytes(3, "big")

    return change


changed("an MKA whose clock runs at sixteen times its speed", "fast.mka", _mka_clock(16_000_000), seconds=(90, 100))
changed("an MKA whose clock stands still", "still.mka", _mka_clock(0), seconds=ABOUT)


@kind("an MP3 that says it has 50 hours", seconds=ABOUT)
def fifty_mp3(folder: Path) -> Path:
    path, data = folder / "fifty.mp3", bytearray(whole("mp3"))
    at = data.find(b"Xing") if b"Xing" in data else data.index(b"Info")
    struct.pack_into(">I", data, at + 8, FIFTY_HOURS_S * 16_000 // 576)
    path.write_bytes(data)
    return path


def tagged(sound: bytes, size: int, content: bytes) -> bytes:
    """An MP3 with an ID3 tag that says it is `size` long."""
    seven = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + seven + content + sound


@kind("an MP3 whose tag says it is longer than the file", UNREADABLE)
def long_tag(folder: Path) -> Path:
    path = folder / "tag.mp3"
    path.write_bytes(tagged(whole("mp3"), 2**28 - 1, b""))
    return path


@kind("an MP3 with a cover picture of 5 MB", seconds=ABOUT)
def cover(folder: Path) -> Path:
    picture = b"\x00image/jpeg\x00\x03\x00" + b"\xff\xd8\xff\xe0" + bytes(5_000_000) + b"\xff\xd9"
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\x00\x00" + picture
    path = folder / "cover.mp3"
    path.write_bytes(tagged(whole("mp3"), len(frame), frame))
    return path
