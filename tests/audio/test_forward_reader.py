"""Spans of a sound that goes by once: they are those that are decoded one by one, whatever the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.audio.decode import Samples, decode, stream
from tasks.audio.forward_reader import ForwardReader
from tasks.intervals import Span
from tasks.records import SAMPLE_RATE_HZ
from tests.helpers.sound_files import make_noise, write_sound

LENGTH_S = 200.0
SPANS = (
    Span(-0.125, 2.0),
    Span(0.5, 1.5),
    Span(1.0, 1.0),
    Span(58.0, 121.25),
    Span(58.0, 59.0),
    Span(119.9, 120.0),
    Span(190.0, 203.0),
    Span(205.0, 206.0),
)
"""In the order of their starts: before the sound, within others, empty, over several blocks, past the end."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("forward") / "a.flac", make_noise(LENGTH_S), codec="flac")


@pytest.mark.parametrize("block_s", [0.7, 60.0, 500.0])
def test_spans_equal_decoded_ones(path: Path, block_s: float) -> None:
    passing = ForwardReader(stream(path, block_s))
    for span in SPANS:
        np.testing.assert_array_equal(passing.read(span), decode(path, span), err_msg=str(span))


def test_buffer_drops_past_samples_and_reads_lazily() -> None:
    read = 0

    def blocks() -> Iterator[Samples]:
        nonlocal read
        while True:
            read += 1
            yield np.zeros(60 * SAMPLE_RATE_HZ, np.float32)

    passing = ForwardReader(blocks())
    passing.read(Span(10, 20))
    assert read == 1
    passing.read(Span(36_000, 36_070))
    assert read == 602
    assert len(passing._held) <= 120 * SAMPLE_RATE_HZ


def test_earlier_span_raises(path: Path) -> None:
    passing = ForwardReader(stream(path))
    passing.read(Span(100, 101))
    with pytest.raises(ValueError, match=r"99 s went by"):
        passing.read(Span(99, 103))
