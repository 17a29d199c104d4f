"""Real readers heard again and again: the same few seconds never in the same way.

Each reader has one utterance of some 12 s. It is cut in halves that never meet in one recording (a speaker is heard
once in each), and each half is heard in several ways: another speed, level, room and codec each time. What the
diarization would make of them, by its own speech map, windows and speaker model, is kept.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.recipes.readers import RATE, Samples, at_speed
from tasks.engines.engine import Engine
from tasks.engines.pool import Pool
from tasks.settings.home import cache

HALVES = 2
SPEEDS = (0.98, 1.02)
"""More would make somebody else of a voice: pitch moves along."""
LEVELS_DB = (-18.0, 0.0)
ROOM_S = (0.15, 0.7)
"""Seconds in which a room's echo falls by 60 dB."""
ECHO_DB = (-18.0, -6.0)
"""Of the whole echo against the direct sound."""
NOISE_DB = (-60.0, -35.0)
Codec = tuple[str, str, int]
"""Encoder, container, bits a second."""
OPUS: Codec = ("libopus", "ogg", 24_000)
RECORDERS: dict[str, tuple[Codec, ...]] = {
    "one recorder": (OPUS,),
    "another each day": (OPUS, ("libopus", "ogg", 16_000), ("libmp3lame", "mp3", 32_000)),
}


@dataclass(frozen=True, eq=False)
class Heard:
    """(R, H, D): embeddings of unit length of R people, each heard H times, and the half (R, H) that was heard."""

    embeddings: NDArray[np.float32]
    halves: NDArray[np.int64]

    def people(self, rows: slice) -> Heard:
        return Heard(self.embeddings[rows], self.halves[rows])


def heard(readers: Sequence[Samples], times: int, recorder: str, model: Path) -> Heard:
    """Each reader `times` times, the halves by turns. Kept in data/cache/benchmarks for this model and code."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + model.read_bytes() + f"{times} {recorder}".encode())
    for reader in readers:
        digest.update(reader.tobytes())
    kept = cache() / "benchmarks" / f"voices-{digest.hexdigest()[:12]}.npy"
    if not kept.exists():
        pool = Pool()
        found = np.array(
            [_reader(pool, model, samples, k, times, RECORDERS[recorder]) for k, samples in enumerate(readers)]
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(".writing")
        with aside.open("wb") as out:
            np.save(out, found)
        aside.replace(kept)
    embeddings = np.load(kept)
    return Heard(embeddings, np.broadcast_to(np.arange(times) % HALVES, embeddings.shape[:2]))


def _reader(
    pool: Pool, model: Path, samples: Samples, number: int, times: int, codecs: Sequence[Codec]
) -> NDArray[np.float32]:
    """(H, D): one reader's hearings."""
    middle = len(samples) // 2
    halves = samples[:middle], samples[middle:]
    out = []
    for k in range(times):
        rng = np.random.default_rng([len(samples), number, k])
        out.append(embedding(pool, model, varied(halves[k % HALVES], codecs, rng)))
    return np.array(out, np.float32)


def embedding(pool: Pool, model: Path, samples: Samples) -> NDArray[np.float64]:
    """(D,): the mean of the windows' embeddings by their seconds, as a recording's speaker has it."""
    from tasks.diarization.windows import cut_windows
    from tasks.intervals import Span
    from tasks.merging.voices import average_embeddings

    silero = Engine.of("audio/silero", "tasks.audio.speech_map:load")
    speaker = Engine.of("diarization/speaker-model", "tasks.diarization.speaker_model:load", model=str(model))
    speech = pool.call(silero, "find_speech", samples).value or [Span(0.0, len(samples) / RATE)]
    where = cut_windows(speech)
    return np.array(average_embeddings([where], [pool.call(speaker, "embed", samples, where).value]))


def varied(samples: Samples, codecs: Sequence[Codec], rng: np.random.Generator) -> Samples:
    """The same words on another day: speed, room, level, a little noise, codec."""
    said = at_speed(samples, rng.uniform(*SPEEDS))
    said = _in_a_room(said, rng)
    said *= 10 ** (rng.uniform(*LEVELS_DB) / 20) / max(float(np.abs(said).max()), 1e-6)
    noise = rng.standard_normal(len(said)).astype(np.float32)
    said += noise * np.float32(10 ** (rng.uniform(*NOISE_DB) / 20) * np.sqrt(np.mean(np.square(said))))
    return coded(said, codecs[int(rng.integers(len(codecs)))])


def _in_a_room(samples: Samples, rng: np.random.Generator) -> Samples:
    from scipy.signal import fftconvolve

    length_s = rng.uniform(*ROOM_S)
    time_s = np.arange(round(length_s * RATE)) / RATE
    echo = rng.standard_normal(len(time_s)) * np.exp(-6.9 * time_s / length_s)
    echo *= 10 ** (rng.uniform(*ECHO_DB) / 20) / np.linalg.norm(echo)
    echo[0] = 1.0
    out: Samples = fftconvolve(samples, echo)[: len(samples)].astype(np.float32)
    return out


def coded(samples: Samples, codec: Codec) -> Samples:
    """The samples after a codec."""
    import av

    encoder, container, bits = codec
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        sound: Any = out.add_stream(encoder, rate=RATE, layout="mono")
        sound.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(
            (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        to = av.AudioResampler(sound.format, sound.layout, RATE, frame_size=sound.codec_context.frame_size or 0)
        for piece in [*to.resample(frame), *to.resample(None)]:
            out.mux(sound.encode(piece))
        out.mux(sound.encode(None))
    file.seek(0)
    back = av.AudioResampler("flt", "mono", RATE)
    with av.open(file) as held:
        frames = [f for frame in held.decode(audio=0) for f in back.resample(frame)] + back.resample(None)
    return np.concatenate([f.to_ndarray()[0] for f in frames]).astype(np.float32)
