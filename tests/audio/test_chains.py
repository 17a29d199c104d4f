"""Files that are several, one behind the other: where each link begins, and that no second of any is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.audio.chain import find_links
from tasks.audio.decode import decode, stream
from tasks.audio.links import find_starts
from tasks.audio.probe import probe
from tasks.audio.slices import Link, Slice
from tasks.errors import TransientError
from tasks.intervals import Span
from tests.helpers.sound_files import make_noise, measure_lag_s, measure_similarity, write_sound, write_video

RATE = 16_000
CODECS = {"opus": "libopus", "flac": "flac", "aac": "aac"}


def parts(folder: Path, suffix: str, rates: tuple[int, ...]) -> list[Path]:
    """Files of eight seconds of noise, each another."""
    made = []
    for number, rate in enumerate(rates):
        path = folder / f"{number}.{suffix}"
        made.append(write_sound(path, make_noise(8, rate, seed=number), rate, CODECS[suffix]))
    return made


def joined(path: Path, files: list[Path]) -> Path:
    path.write_bytes(b"".join(f.read_bytes() for f in files))
    return path


@pytest.mark.parametrize("suffix", ["opus", "flac", "aac"])
def test_link_starts_are_found(suffix: str, tmp_path: Path) -> None:
    files = parts(tmp_path, suffix, (16_000, 48_000, 24_000))
    chain = joined(tmp_path / f"chain.{suffix}", files)
    sizes = [f.stat().st_size for f in files]
    assert list(find_starts(chain, chain.stat().st_size)) == [0, sizes[0], sizes[0] + sizes[1]]
    for file in files:
        assert len(find_links(file)) == 1


@pytest.mark.parametrize("suffix", ["opus", "flac", "aac"])
def test_links_are_decoded_at_their_times(suffix: str, tmp_path: Path) -> None:
    files = parts(tmp_path, suffix, (16_000, 48_000, 24_000))
    chain = joined(tmp_path / f"chain.{suffix}", files)
    places = find_links(chain)
    assert probe(chain).duration_s == places[-1].end_s == pytest.approx(24, abs=0.4)
    whole = np.concatenate(list(stream(chain)))
    assert len(whole) == pytest.approx(places[-1].end_s * RATE, abs=2)
    for place, file in zip(places, files, strict=True):
        inside = Span(place.start_s + 3, place.start_s + 6)
        alone = decode(file, Span(3, 6))
        assert measure_similarity(decode(chain, inside), alone) > 0.99
        assert abs(measure_lag_s(decode(chain, inside), alone)) < 0.001
        first = round(inside.start_s * RATE)
        assert measure_similarity(whole[first : first + len(alone)], alone) > 0.99


def test_broken_link_is_skipped(tmp_path: Path) -> None:
    first, broken, last = parts(tmp_path, "flac", (16_000, 16_000, 16_000))
    broken.write_bytes(broken.read_bytes()[:60])
    chain = joined(tmp_path / "chain.flac", [first, broken, last])
    assert probe(chain).duration_s == pytest.approx(16, abs=0.01)
    assert measure_similarity(decode(chain, Span(9, 12)), decode(last, Span(1, 4))) > 0.99


def test_transport_stream_with_restarting_timestamps(tmp_path: Path) -> None:
    files = [write_video(tmp_path / f"{k}.ts", make_noise(8, seed=k)) for k in range(2)]
    chain = joined(tmp_path / "chain.ts", files)
    place = find_links(chain)[1]
    assert (
        measure_similarity(decode(chain, Span(place.start_s + 2, place.start_s + 5)), decode(files[1], Span(2, 5)))
        > 0.9
    )


def test_slice_reads_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(100)))
    with Slice(path, Link(10, 30)) as file:
        assert (file.read(5), file.tell()) == (bytes(range(10, 15)), 5)
        assert file.seek(-3, 2) == 17
        assert file.read() == bytes(range(27, 30))
        assert file.read(1) == b""
        assert (file.seek(0), file.seek(2, 1)) == (0, 2)
        assert file.read(100) == bytes(range(12, 30))


def test_mark_across_two_blocks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = parts(tmp_path, "flac", (16_000, 16_000))
    chain = joined(tmp_path / "chain.flac", files)
    at = files[0].stat().st_size
    for block in (at + 1, at + 4, at + 7):
        monkeypatch.setattr("tasks.audio.links._BLOCK", block)
        assert list(find_starts(chain, chain.stat().st_size)) == [0, at]


def test_file_with_too_many_links_is_one_file(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "a.opus", make_noise(2), codec="libopus").read_bytes()
    path = tmp_path / "harm.opus"
    path.write_bytes(whole + (b"OggS\x00\x02" + bytes(8)) * 500_000)
    assert len(find_links(path)) == 1
    assert probe(path).duration_s == pytest.approx(2, abs=0.1)


def test_file_truncated_after_probing_raises(tmp_path: Path) -> None:
    recording = probe(write_sound(tmp_path / "a.wav", make_noise(8)))
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:100_000])
    with pytest.raises(TransientError, match=r"a\.wav: it changed while it was read"):
        decode(recording.parts, Span(0, 1))
    with pytest.raises(TransientError, match="Start again"):
        list(stream(recording.parts))


def test_truncation_raises_when_stream_is_closed_early(tmp_path: Path) -> None:
    recording = probe(write_sound(tmp_path / "a.wav", make_noise(30)))
    blocks = stream(recording.parts, 1.0)
    next(blocks)
    with (tmp_path / "a.wav").open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(TransientError, match=r"a\.wav: it changed while it was read"):
        blocks.close()
