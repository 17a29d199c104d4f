"""One voice in two channels: all of it is kept, and each second by one channel only."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from tasks.audio.bleed import estimate_noise_floor, give_back, remove_bleed
from tasks.audio.decode import Samples, decode
from tasks.audio.speech_map import Silero, load, measure_energy_db
from tasks.intervals import Span, intersect, measure_union_s, merge_spans
from tasks.settings.home import sample
from tests.helpers.sound_files import write_sound

LENGTH_S = 8.0
LEVELS_DB = (0.0, 0.1, -0.1, 3.0, -3.0, 6.0, -6.0, 12.0, -12.0)


@pytest.fixture(scope="module")
def silero() -> Silero:
    return load()


@pytest.fixture(scope="module")
def voice() -> Samples:
    return decode(sample(), Span(345, 345 + LENGTH_S))


def keep(channels: list[Samples], silero: Silero) -> tuple[list[list[Span]], list[list[Span]]]:
    """(speech by the map, own speech) of each channel."""

    def open_channel(channel: int) -> Generator[Samples, None, None]:
        yield from np.array_split(channels[channel], 3)

    maps = [silero.find_speech(x) for x in channels]
    return maps, remove_bleed(maps, [estimate_noise_floor(measure_energy_db(x)) for x in channels], open_channel)


def check_kept_once(channels: list[Samples], silero: Silero) -> None:
    maps, own = keep(channels, silero)
    assert measure_union_s([*maps[0], *maps[1]]) > 0.5 * LENGTH_S
    assert merge_spans([*own[0], *own[1]]) == merge_spans([*maps[0], *maps[1]])
    assert measure_union_s(intersect(*own)) == 0.0


def record_twice(voice: Samples, level_db: float, *, hiss: float = 0.0, delay: int = 0) -> np.ndarray:
    """(n, 2): the voice, and the same at another level, later by `delay` samples; with a hiss of its own in each."""
    noise = np.random.default_rng(5).standard_normal((len(voice), 2)) * hiss
    return np.stack([voice, np.roll(voice, delay) * 10 ** (level_db / 20)], axis=1).clip(-1, 1) + noise


@pytest.mark.parametrize("level_db", LEVELS_DB)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("hiss", [0.0, 3e-4])
def test_one_voice_at_any_level_inverted_and_with_hiss(
    voice: Samples, silero: Silero, level_db: float, sign: int, hiss: float
) -> None:
    sound = (record_twice(voice, level_db, hiss=hiss) * (1, sign)).astype(np.float32)
    check_kept_once(list(sound.T), silero)


@pytest.mark.parametrize("delay", [-160, 16, 80])
@pytest.mark.parametrize("level_db", [0.0, -6.0])
def test_one_voice_milliseconds_later_on_one_channel(
    voice: Samples, silero: Silero, delay: int, level_db: float
) -> None:
    sound = record_twice(voice, level_db, hiss=1e-4, delay=delay).astype(np.float32)
    check_kept_once(list(sound.T), silero)


@pytest.mark.parametrize(("codec", "suffix"), [("libmp3lame", "mp3"), ("aac", "m4a"), ("libopus", "opus")])
@pytest.mark.parametrize("level_db", [-0.1, -6.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_voice_after_a_codec(
    voice: Samples, silero: Silero, tmp_path: Path, codec: str, suffix: str, level_db: float, sign: int
) -> None:
    sound = np.repeat(record_twice(voice, level_db, hiss=1e-4) * (1, sign), 3, axis=0)
    path = write_sound(tmp_path / f"a.{suffix}", np.clip(sound, -1, 1), rate=48_000, codec=codec)
    check_kept_once([decode(path, Span(0, LENGTH_S), channel=c) for c in range(2)], silero)


@pytest.mark.parametrize("worse", ["clipped", "muffled", "muffled and louder"])
@pytest.mark.parametrize("turned", [1, -1])
def test_of_one_voice_the_clearer_channel_is_kept(voice: Samples, silero: Silero, worse: str, turned: int) -> None:
    other = {
        "clipped": np.clip(20 * voice, -0.4, 0.4),
        "muffled": muffle(voice),
        "muffled and louder": 2 * muffle(voice),
    }[worse]
    _, own = keep([voice, other.astype(np.float32)][::turned], silero)
    clear, dull = own[::turned]
    assert measure_union_s(clear) > 0.5 * LENGTH_S
    assert measure_union_s(dull) < 0.3


def muffle(voice: Samples) -> Samples:
    return np.asarray(sosfilt(butter(4, 800, fs=16_000, output="sos"), voice), np.float32)


def test_one_voice_in_three_channels(voice: Samples, silero: Silero) -> None:
    maps, own = keep([voice, voice * np.float32(0.5), -voice], silero)
    assert merge_spans(s for spans in own for s in spans) == merge_spans(s for spans in maps for s in spans)
    assert sum(map(measure_union_s, own)) == pytest.approx(measure_union_s(maps[0]), abs=0.3)


def test_one_second_is_enough(voice: Samples, silero: Silero) -> None:
    short = voice[: 2 * 16_000]
    maps, own = keep([short, short.copy()], silero)
    assert own == [maps[0], []]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_call_with_crosstalk_stays_divided(silero: Silero, order: tuple[int, int]) -> None:
    voices = [decode(sample(), Span(at_s, at_s + 12)).copy() for at_s in (345.0, 1705.0)]
    voices[0][6 * 16_000 :] = voices[1][: 6 * 16_000] = 0
    lines = [voices[k] + np.float32(0.3) * np.roll(voices[1 - k], 48) for k in range(2)]
    _, own = keep([lines[k] for k in order], silero)
    halves = [Span(0, 6.2), Span(5.8, 12)]
    for k, spans in zip(order, own, strict=True):
        assert measure_union_s(spans) > 3.0
        assert measure_union_s(intersect(spans, [halves[k]])) == pytest.approx(measure_union_s(spans), abs=0.3)


def spans() -> st.SearchStrategy[list[Span]]:
    ends = st.lists(st.integers(0, 60), max_size=12).map(lambda found: sorted(set(found)))
    return ends.map(lambda e: merge_spans(Span(a / 4, b / 4) for a, b in zip(e[::2], e[1::2], strict=False)))


@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=4))
def test_lost_speech_comes_back_on_one_channel(channels: list[tuple[list[Span], list[Span]]]) -> None:
    speech = [found for found, _ in channels]
    own = [intersect(found, kept) for found, kept in channels]
    back = give_back(speech, own)
    total = merge_spans(s for found in speech for s in found)
    assert merge_spans(s for found in back for s in found) == total
    lost_s = measure_union_s(total) - measure_union_s(s for found in own for s in found)
    assert sum(map(measure_union_s, back)) == pytest.approx(sum(map(measure_union_s, own)) + lost_s)
    assert all(intersect(kept, after) == kept for kept, after in zip(own, back, strict=True))
