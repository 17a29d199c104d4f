"""The recordings: conversations composed of real readers, openings of real meetings, and clips of five languages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.references import Reference, read_references
from tasks.evaluation.utterances import Utterance as Words
from tasks.records import Turn
from tests.simulation.conversation import RATE, Conversation, Utterance, converse, read_utterances

Samples = NDArray[np.float32]
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, what is said in it by whom, and its language."""

    path: Path
    reference: Reference
    duration_s: float
    language: str = "en"


def find_data() -> Path:
    """The folder of real recordings (DAYLONG_TEST_DATA names it). Exits where there is none."""
    data = Path(os.environ.get("DAYLONG_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        raise SystemExit(f"{data}: no real recordings here (DAYLONG_TEST_DATA names their folder)")
    return data


def make_recordings(folder: Path, wanted: Sequence[str] | None = None) -> Iterator[Recording]:
    """Make the recordings in `folder`, one after the other; only those named in `wanted`, if given."""
    import soundfile

    data = find_data()
    for name, talk in compose(data, wanted):
        path = folder / f"{name}.flac"
        soundfile.write(path, talk.samples, RATE)
        turns = tuple(Turn(a, b, who) for a, b, who in talk.turns)
        words = tuple(Words(a, b, who, text) for a, b, who, text in talk.utterances if text)
        known = words if len(words) == len(talk.utterances) else ()
        yield Recording(path, Reference(name, turns, known), len(talk.samples) / RATE)
    for path in sorted((data / "meetings").glob("*.flac")):
        if wanted is None or path.stem in wanted:
            (reference,) = read_references([path.with_suffix(".rttm")], path.with_suffix(".uem")).values()
            yield Recording(path, reference, soundfile.info(path).duration)
    for path, language, text in _list_clips(data / "languages"):
        if wanted is None or path.stem in wanted:
            duration_s = soundfile.info(path).duration
            words = (Words(0.0, duration_s, "reader", text),)
            yield Recording(path, Reference(path.stem, (), words), duration_s, language)


def _list_clips(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """(file, language, text) of the clips of the languages' folder."""
    for line in (folder / "references.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, language, text = line.split("\t")[:3]
        yield folder / name, language, text


def compose(data: Path, wanted: Sequence[str] | None = None) -> Iterator[tuple[str, Conversation]]:
    """The composed conversations, by name. The turns of an utterance are what the speech map finds in it alone."""
    from tasks.audio.speech_map import load

    silero = load()

    def detect(samples: Any) -> list[tuple[float, float]]:
        return [(float(s.start_s), float(s.end_s)) for s in silero.find_speech(samples)]

    six = list(read_utterances(data / "readers").values())
    single = list(read_utterances(data / "voices", least_s=10).values())
    four, five = ([own[:8] for own in part] for part in (six[:4], six[1:]))

    def ten(*more: int) -> list[list[Utterance]]:
        return [*six, *(list(_thirds(single[k][0])) for k in more)]

    made: dict[str, dict[str, Any]] = {
        "two_15": {"readers": [own[:8] for own in six[4:]], "overlap": 0.15, "seed": 5},
        "four_0": {"readers": four, "seed": 1},
        "four_8": {"readers": four, "overlap": 0.08, "seed": 2},
        "four_15": {"readers": four, "overlap": 0.15, "seed": 3},
        "four_music_10": {"readers": four, "music_db": 10.0, "seed": 9},
        "four_music_5": {"readers": four, "music_db": 5.0, "seed": 9},
        "four_telephone": {"readers": four, "seed": 1, "through": make_telephone},
        "four_far": {"readers": four, "seed": 1, "through": make_distant},
        "five_returns": {"readers": five, "absent": (1, 3), "seed": 4},
        "six_0": {"readers": [own[:7] for own in six], "seed": 11},
        "six_15": {"readers": [own[:7] for own in six], "overlap": 0.15, "seed": 8},
        "ten_0": {"readers": ten(10, 60, 110, 160), "seed": 6},
        "ten_8": {"readers": ten(20, 70, 120, 170), "overlap": 0.08, "seed": 7},
        "six_hour": {"readers": six, "minutes": 60.0, "seed": 12},
        "ten_hour": {"readers": ten(10, 60, 110, 160), "minutes": 60.0, "seed": 10},
    }
    for name, how in made.items():
        if wanted is None or name in wanted:
            through: Callable[[Samples], Samples] = how.pop("through", lambda samples: samples)
            talk = converse(how.pop("readers"), detect=detect, **how)
            yield name, Conversation(through(talk.samples), talk.turns, talk.utterances)


def _thirds(spoken: Utterance) -> Iterator[Utterance]:
    size = len(spoken.samples) // 3
    for i in range(3):
        yield Utterance(spoken.reader, spoken.samples[i * size : (i + 1) * size])


def make_telephone(samples: Samples) -> Samples:
    """16 kHz mono as over a telephone: 300–3,400 Hz, and 8 bits by the µ-law of ITU-T G.711."""
    from scipy.signal import butter, sosfiltfilt

    band = sosfiltfilt(butter(4, (300.0, 3400.0), "bandpass", fs=RATE, output="sos"), samples)
    loud = np.clip(band / max(float(np.abs(band).max()), 1e-6), -1, 1)
    companded = np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log(256)
    coarse = np.round(companded * 127) / 127
    out: Samples = (np.sign(coarse) * np.expm1(np.abs(coarse) * np.log(256)) / 255).astype(np.float32)
    return out


def make_distant(samples: Samples, seed: int = 0) -> Samples:
    """16 kHz mono as from the other end of a room: half of the energy in 0.6 s of reverberation, noise at 20 dB."""
    from scipy.signal import fftconvolve

    rng = np.random.default_rng(seed)
    time = np.arange(round(0.6 * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / 0.6)
    tail[: round(0.005 * RATE)] = 0
    room = tail / np.sqrt(np.square(tail).sum())
    room[0] = 1.0
    heard = fftconvolve(samples, room)[: len(samples)]
    noise = rng.standard_normal(len(heard)) * np.sqrt(np.mean(np.square(heard))) / 10
    out = heard + noise
    return (out / max(1.0, float(np.abs(out).max()))).astype(np.float32)
