"""The steps of a chunk share its sound: decoded once, held for a while, changed by nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.audio import decode as module
from tasks.audio.decode import CACHED_SPANS, decode, load, reference_audio
from tasks.audio.probe import probe
from tasks.errors import TransientError
from tasks.intervals import Span
from tasks.records import Audio, Part
from tests.helpers.sound_files import make_noise, write_sound

RATE = 16_000


@pytest.fixture
def audio(tmp_path: Path) -> Iterator[Audio]:
    yield reference_audio(probe(write_sound(tmp_path / "x.wav", make_noise(30))))
    module.clear_cache()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """Every span that is really decoded from now on."""
    spans: list[Span] = []

    def slow(path: Sequence[Part], span: Span, **how: Any) -> np.ndarray:
        spans.append(span)
        time.sleep(0.05)
        return decode(path, span, **how)

    monkeypatch.setattr(module, "decode", slow)
    return spans


def test_concurrent_loads_decode_once(audio: Audio, decoded: list[Span]) -> None:
    heard: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: heard.append(load(audio, Span(3, 5)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decoded == [Span(3, 5)]
    assert all(h is heard[0] for h in heard)
    np.testing.assert_array_equal(heard[0], decode(audio.parts, Span(3, 5)))


def test_cached_samples_are_read_only(audio: Audio) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load(audio, Span(0, 1))[0] = 1.0


def test_cache_size(audio: Audio, decoded: list[Span]) -> None:
    for start in range(CACHED_SPANS + 1):
        load(audio, Span(start, start + 1))
    load(audio, Span(CACHED_SPANS, CACHED_SPANS + 1))
    assert len(decoded) == CACHED_SPANS + 1
    load(audio, Span(0, 1))
    assert len(decoded) == CACHED_SPANS + 2


def test_failure_is_not_cached(audio: Audio) -> None:
    path = Path(audio.parts[0].path)
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(TransientError):
        load(audio, Span(0, 1))
    path.write_bytes(data)
    assert load(audio, Span(0, 1)).any()


def test_artifact_is_read_at_its_offset() -> None:
    wave = make_noise(20)
    separated = Audio(key="separated", artifact="vocals-1", offset_s=100.0)
    opened: list[str] = []

    def open_artifact(name: str) -> np.ndarray:
        opened.append(name)
        return wave

    heard = load(separated, Span(98, 103), open_artifact)
    assert opened == ["vocals-1"]
    assert not heard[: 2 * RATE].any()
    np.testing.assert_array_equal(heard[2 * RATE :], wave[: 3 * RATE])
    assert not load(separated, Span(130, 131), open_artifact).any()
    assert not load(separated, Span(10, 11), open_artifact).any()
    assert wave.flags.writeable


def test_key_depends_on_content_not_path(tmp_path: Path) -> None:
    first = probe(write_sound(tmp_path / "x.wav", make_noise(1)))
    second = probe(write_sound(tmp_path / "y.wav", make_noise(1)))
    assert reference_audio(first).key == reference_audio(second).key
    assert len({reference_audio(first).key, reference_audio(first, 0).key, reference_audio(first, 1).key}) == 3


def test_only_quiet_span_is_lifted(tmp_path: Path) -> None:
    tone = np.sin(np.arange(RATE * 4) / 9).astype(np.float32)
    heard = {}
    for name, level in (("quiet", 0.003), ("loud", 0.3)):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, tone * level, RATE)
        heard[name] = float(np.abs(load(reference_audio(probe(path)), Span(0.0, 4.0))).max())
    assert heard["quiet"] > 0.03
    assert heard["loud"] == pytest.approx(0.3, abs=0.01)
