"""Makes the bundled sample: `python -m data.recipes.roundtable` writes the recording and its exact reference.

Files: roundtable.opus (mono, 24 kbit/s), .rttm (who sounds when), .stm (what is said when), .ctm (each word).
Everything is seeded; the share of overlapped speech is brought to `OVERLAP` by scaling the interruptions.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.recipes.lexicon import plain
from data.recipes.music import music
from data.recipes.roundtable_script import SCENES, Turn, held_out, script
from data.recipes.synthesis import LEVEL, SAMPLE_RATE, VOICES, Word, speak

__all__ = ["OVERLAP", "Spoken", "held_out", "main", "timeline"]

NAME = "roundtable"
OVERLAP = 0.05
"""Seconds with two or more voices, as a share of the seconds with any."""
_SPLIT = 0.5  # a longer pause inside an utterance divides its reference
_GAIN = {"ana": 0.0, "ben": 1.5, "carl": -2.0, "dora": -3.0}  # dB: people sit at different distances
_MASTER = 0.55
_NOISE = 0.0006  # root mean square of the room
_MUSIC_DB = -13.5  # music against speech
_VOICES = {v.name: v for v in VOICES}


@dataclass
class Spoken:
    """A turn as sound: samples at 16 kHz, words relative to `start` (seconds into the recording)."""

    turn: Turn
    samples: np.ndarray
    words: list[Word]
    start: float = 0.0

    @property
    def end(self) -> float:
        return self.start + len(self.samples) / SAMPLE_RATE

    def pieces(self) -> list[list[Word]]:
        """Its words at their times in the recording, divided at pauses of more than half a second."""
        out: list[list[Word]] = []
        for word, a, b in self.words:
            at = (word, self.start + a, self.start + b)
            if out and at[1] - out[-1][-1][2] <= _SPLIT:
                out[-1].append(at)
            else:
                out.append([at])
        return out


def pronounce(turn: Turn, rng: np.random.Generator) -> Spoken:
    """A turn with pauses between its sentences; tempo and pitch vary a little."""
    parts: list[np.ndarray] = []
    words: list[Word] = []
    length = 0
    for i, sentence in enumerate(turn.sentences):
        if i:
            pause = rng.uniform(0.6, 1.1) if rng.random() < 0.08 else rng.uniform(0.15, 0.45)
            parts.append(np.zeros(round(pause * SAMPLE_RATE), np.float32))
            length += len(parts[-1])
        samples, timed = speak(sentence, _VOICES[turn.speaker], rng.uniform(0.94, 1.05), int(rng.integers(-3, 4)))
        words += [
            (w, length / SAMPLE_RATE + a, length / SAMPLE_RATE + b)
            for w, (_, a, b) in zip(plain(sentence), timed, strict=True)
        ]
        parts.append(samples)
        length += len(samples)
    return Spoken(turn, np.concatenate(parts) * 10 ** (_GAIN[turn.speaker] / 20), words)


def timeline() -> list[Spoken]:
    """All turns at their places; overlap as wanted, found by bisection on the length of the interruptions."""
    rng = np.random.default_rng(1)
    spoken = [pronounce(turn, rng) for turn in script()]
    low, high = 0.0, 3.0
    for _ in range(20):
        scale = (low + high) / 2
        _place(spoken, scale)
        low, high = (scale, high) if overlap(spoken) < OVERLAP else (low, scale)
    return spoken


def _place(spoken: list[Spoken], scale: float) -> None:
    """Sets the starts. The same draws for every `scale`, so that the overlap grows with it steadily."""
    rng = np.random.default_rng(2)
    free = dict.fromkeys(_VOICES, 0.0)  # until when each one speaks
    end, previous = 1.5, spoken[0]
    for s in spoken:
        draws = rng.uniform(size=4)
        if s.turn.aside:
            length = len(s.samples) / SAMPLE_RATE
            room = previous.end - previous.start - length
            s.start = previous.start + room * (0.25 + 0.6 * draws[0])
        else:
            new_scene = s.turn.scene != previous.turn.scene
            gap = 0.15 + 0.85 * draws[1] + (2.5 * draws[2] if draws[3] > 0.93 else 0.0)
            if new_scene:
                gap = 2.0 + 2.0 * draws[1] + SCENES[previous.turn.scene].silence
            elif draws[0] < 0.33 and s.turn.speaker != previous.turn.speaker:
                gap = -min(scale * (0.2 + 0.8 * draws[1]), 0.6 * (previous.end - previous.start))
            s.start = max(end + gap, free[s.turn.speaker] + 0.2)
            end, previous = s.end, s
        free[s.turn.speaker] = max(free[s.turn.speaker], s.end)


def overlap(spoken: list[Spoken]) -> float:
    """Share of the speaking time in which more than one voice sounds, in steps of 10 ms."""
    voices = np.zeros((len(_VOICES), round(max(s.end for s in spoken) * 100) + 1), bool)
    index = {name: i for i, name in enumerate(_VOICES)}
    for s in spoken:
        for piece in s.pieces():
            voices[index[s.turn.speaker], round(piece[0][1] * 100) : round(piece[-1][2] * 100)] = True
    count = voices.sum(axis=0)
    return float((count > 1).sum() / (count > 0).sum())


def mix(spoken: list[Spoken]) -> np.ndarray:
    """The recording, float32 at 16 kHz: voices, the room's noise, music where a scene has it."""
    n = round((max(s.end for s in spoken) + 3.0) * SAMPLE_RATE)
    out = np.random.default_rng(3).standard_normal(n).astype(np.float32) * _NOISE
    for s in spoken:
        i = round(s.start * SAMPLE_RATE)
        out[i : i + len(s.samples)] += s.samples * _MASTER
    fade = 2 * SAMPLE_RATE
    for index, scene in enumerate(SCENES):
        if scene.music:
            inside = [s for s in spoken if s.turn.scene == index]
            a, b = round(inside[0].start * SAMPLE_RATE), round(inside[-1].end * SAMPLE_RATE)
            tune = music(100 + index, (b - a) / SAMPLE_RATE, SAMPLE_RATE).mean(axis=0)[: b - a]
            tune *= LEVEL * _MASTER * 10 ** (_MUSIC_DB / 20) / np.sqrt(np.mean(np.square(tune)))
            tune[:fade] *= np.linspace(0, 1, fade)
            tune[-fade:] *= np.linspace(1, 0, fade)
            out[a : a + len(tune)] += tune
    return out


def write_opus(path: Path, samples: np.ndarray, rate: int = SAMPLE_RATE, bit_rate: int = 24_000) -> None:
    """Mono float32 at `rate` to Opus; the same samples give the same file."""
    import av

    with av.open(str(path), "w", format="opus", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono", bit_rate=bit_rate)
        for i in range(0, len(samples), rate):
            block = np.clip(samples[i : i + rate] * 32767, -32768, 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_reference(folder: Path, spoken: list[Spoken]) -> None:
    """RTTM, STM and CTM beside the recording."""
    pieces = sorted((p[0][1], s.turn.speaker, p) for s in spoken for p in s.pieces())
    rttm, stm, ctm = [], [], []
    for start, who, words in pieces:
        end, sex = words[-1][2], _VOICES[who].sex
        rttm.append(f"SPEAKER {NAME} 1 {start:.3f} {end - start:.3f} <NA> <NA> {who} <NA> <NA>")
        stm.append(f"{NAME} 1 {who} {start:.2f} {end:.2f} <o,f0,{sex}> {' '.join(w for w, _, _ in words)}")
    for a, b, word in sorted((a, b, w) for s in spoken for p in s.pieces() for w, a, b in p):
        ctm.append(f"{NAME} 1 {a:.3f} {b - a:.3f} {word}")
    for suffix, lines in (("rttm", rttm), ("stm", stm), ("ctm", ctm)):
        (folder / f"{NAME}.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/samples"), help="folder of the sample")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    spoken = timeline()
    samples = mix(spoken)
    write_opus(folder / f"{NAME}.opus", samples)
    write_reference(folder, spoken)
    minutes, peak = len(samples) / SAMPLE_RATE / 60, np.abs(samples).max()
    print(f"{minutes:.2f} minutes, overlap {overlap(spoken):.2%}, peak {peak:.2f}")


if __name__ == "__main__":
    main()
