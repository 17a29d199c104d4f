"""What each alarm of `tasks/quality` finds on degraded copies of recordings, and how often it cries wolf on others.

Copies of conversations of real readers (DAYLONG_TEST_DATA): with noise, babble of eight other readers, clipping,
30 dB less, and a microphone that dies after them. Undegraded are these conversations, the same with a pause of ten
minutes, with overlap, over a telephone and across a room, openings of real meetings, and the bundled samples. What
the sound tells needs no transcript. --words: with transcripts, by profile `light`, whose weights DAYLONG_HOME has to
have (the first sample by the demo weights), for what words tell. --quick: one conversation. Beside the alarms, the
figures that they are made from.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.audio.combine import probe_files
from tasks.audio.decode import reference_audio, stream
from tasks.audio.speech_map import load
from tasks.audio.survey import map_corrected
from tasks.intervals import merge_spans
from tasks.quality.alarms import find_alarms
from tasks.quality.clipping import count_clipped
from tasks.quality.hours import assess, assess_again
from tasks.quality.sound import TrackSound, compute_middles, is_inside
from tasks.records import HourQuality, Transcript
from tests.benchmarks import frame
from tests.helpers.sample_transcripts import make_silence
from tests.simulation.conversation import RATE

Samples = NDArray[np.float32]
READERS = ("two_15", "four_0", "six_0")
UNDEGRADED = ("four_8", "four_15", "four_telephone", "four_far", "six_15", "ten_8")
TAIL_S = 600.0
BABBLE = 8
"""Readers who speak at once."""


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise, so far below the level of what is not silent."""
    spoken = samples[np.abs(samples) > 1e-3]
    level = np.sqrt(np.mean(np.square(spoken), dtype=np.float64) / np.mean(np.square(noise), dtype=np.float64))
    return np.asarray(samples + noise[: len(samples)] * level * 10 ** (-snr_db / 20), np.float32)


def make_hiss(count: int, dbfs: float = 0.0) -> Samples:
    return np.asarray(np.random.default_rng(1).standard_normal(count) * 10 ** (dbfs / 20), np.float32)


def make_babble(count: int) -> Samples:
    """Readers of their own, each speaking without end."""
    import soundfile

    from tests.benchmarks.real_voices.recordings import find_data

    found = sorted((find_data() / "voices").glob("*.flac"))
    mixed = np.zeros(count, np.float32)
    for k in range(BABBLE):
        own = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in found[5 * k : 5 * k + 5]])
        mixed += np.resize(own / np.sqrt(np.mean(np.square(own))), count)
    return mixed


def clip_at_44(samples: Samples) -> Samples:
    """Clipped by a recorder at 44.1 kHz, 20 dB too loud; at 16 kHz again."""
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(np.clip(10 * resample_poly(samples, 441, 160), -1, 1), 160, 441), np.float32)


def append(dbfs: float | None) -> Callable[[Samples], Samples]:
    """Append ten minutes of hiss; without a level, of digital silence."""
    count = round(TAIL_S * RATE)
    tail = np.zeros(count, np.float32) if dbfs is None else make_hiss(count, dbfs)
    return lambda samples: np.concatenate([samples, tail])


def pause(samples: Samples) -> Samples:
    """The room's own noise for ten minutes: its quietest half second, again and again, turned at random."""
    size = RATE // 2
    parts = samples[: len(samples) // size * size].reshape(-1, size)
    levels = np.square(parts, dtype=np.float64).mean(axis=1)
    quietest = parts[np.argsort(levels)[len(levels) // 20]]
    chance = np.random.default_rng(2)
    rest = [np.roll(quietest, int(chance.integers(size))) for _ in range(round(2 * TAIL_S))]
    return np.concatenate([samples, *rest])


COPIES: dict[str, tuple[str, Callable[[Samples], Samples]]] = {
    "noise at 5 dB": ("noisy", lambda s: add_noise(s, make_hiss(len(s)), 5)),
    "noise at 0 dB": ("noisy", lambda s: add_noise(s, make_hiss(len(s)), 0)),
    "babble at 5 dB": ("noisy", lambda s: add_noise(s, make_babble(len(s)), 5)),
    "babble at 0 dB": ("noisy", lambda s: add_noise(s, make_babble(len(s)), 0)),
    "20 dB too loud": ("clipping", lambda s: np.clip(10 * s, -1, 1)),
    "20 dB too loud at 44.1 kHz": ("clipping", clip_at_44),
    "10 dB too loud": ("clipping", lambda s: np.clip(10**0.5 * s, -1, 1)),
    "30 dB less": ("quiet", lambda s: np.asarray(s * 10**-1.5, np.float32)),
    "dead: digital silence": ("dead", append(None)),
    "dead: −75 dBFS": ("dead", append(-75.0)),
}
"""What is done, and the alarm that is to find it."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--name", action="append", help="only this recording, as it is called in the table")
    parser.add_argument("--words", action="store_true", help="transcribe all of them, which takes long")
    given = parser.parse_args(arguments)
    readers = READERS[:1] if given.quick else READERS
    with tempfile.TemporaryDirectory(prefix="daylong-quality-") as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        assess_file = transcribe if given.words else hear
        listed = chain(list_undegraded(folder, readers, quick=given.quick), make_copies(folder, readers))
        wanted = (each for each in listed if given.name is None or each[0] in given.name)
        found = [judge(*each, assess_file, folder) for each in wanted]
        costs = measure_costs()
    show(found, costs)
    frame.write(given.json, {"found": found, "costs": costs})
    return {"found": found, "costs": costs}


def list_undegraded(folder: Path, readers: Sequence[str], *, quick: bool) -> Iterator[tuple[str, Path, str, str]]:
    """(name, file, profile, alarm that is to be raised: none)."""
    import soundfile

    from tasks.settings.home import natural_sample, sample
    from tests.benchmarks.real_voices.recordings import find_data, make_recordings

    for made in make_recordings(folder, [*readers, *(() if quick else UNDEGRADED)]):
        yield made.path.stem, made.path, "light", ""
        if made.path.stem in readers:
            path = folder / f"{made.path.stem}_pause.flac"
            soundfile.write(path, pause(soundfile.read(made.path, dtype="float32")[0]), RATE)
            yield f"{made.path.stem}, a pause after it", path, "light", ""
    if not quick:
        openings = [soundfile.read(p, dtype="float32")[0] for p in sorted((find_data() / "meetings").glob("*.flac"))]
        soundfile.write(folder / "openings.flac", np.concatenate(openings), RATE)  # each by itself is too short
        yield f"openings of {len(openings)} meetings", folder / "openings.flac", "light", ""
        yield sample().stem, sample(), "demo", ""
        yield natural_sample().stem, natural_sample(), "light", ""


def make_copies(folder: Path, readers: Sequence[str]) -> Iterator[tuple[str, Path, str, str]]:
    import soundfile

    from tests.benchmarks.real_voices.recordings import make_recordings

    for made in make_recordings(folder, readers):
        samples = soundfile.read(made.path, dtype="float32")[0]
        for k, (name, (alarm, degrade)) in enumerate(COPIES.items()):
            path = folder / f"{made.path.stem}_{k}.flac"
            soundfile.write(path, np.clip(degrade(samples), -1, 1), RATE)
            yield f"{made.path.stem}, {name}", path, "light", alarm


def judge(
    name: str, path: Path, profile: str, alarm: str, assess_file: Callable[..., Transcript], folder: Path
) -> dict[str, Any]:
    transcript = assess_file(path, profile, folder)
    (row,) = [q for q in transcript.quality if q.speaker is None]
    raised = sorted({a.kind for a in find_alarms(transcript)})
    figures = {f: getattr(row, f) for f in FIGURES}
    print(name, raised, figures, flush=True)
    return {"name": name, "alarm": alarm, "raised": raised, "minutes": row.end_s / 60, **figures}


FIGURES = (
    "speech_s", "expected_wer", "doubtful_share", "speech_dbfs", "noise_dbfs", "clipped_share", "untranscribed_s",
    "num_ghosts", "dead_from_s",
)  # fmt: skip


def hear(path: Path, _profile: str, _folder: Path) -> Transcript:
    """A transcript without words or turns, with the quality of the sound, as a run measures it."""
    recording = probe_files([path], timezone="UTC")
    audio = reference_audio(recording)
    mapped, correction = map_corrected(audio, load().find_speech, recording.duration_s)
    audio = reference_audio(recording, None, correction)
    counts = np.concatenate([count_clipped(block) for block in stream(audio.parts, correction=correction)])
    at_s = compute_middles(len(counts))
    spoken = is_inside(at_s, merge_spans(s.grow(5) for s in mapped.speech))  # chunks without speech are not looked at
    level_db = np.asarray(mapped.energy_db, np.float64) - correction.gain_db
    track = TrackSound(None, level_db, mapped.speech, at_s[spoken], counts[spoken] / 8000)
    return assess(replace(make_silence(), recording=recording), [track])


def transcribe(path: Path, profile: str, folder: Path) -> Transcript:
    from flows.process_recording import process_recording
    from tasks.dataset.read import read_transcript

    settings = {
        "profile": profile, "out": str(folder / "out"), "transcription": {"language": "en"},
        "punctuation": {"mode": "never"}, "exports": {"formats": ["txt"]}, "cache": {"store": str(folder / "store")},
        "voices": {"mode": "never"},
    }  # fmt: skip
    outcome: Any = process_recording(str(path), settings)  # type: ignore[call-overload]
    return read_transcript(folder / "out", outcome["recording_id"])


def measure_costs() -> dict[str, float]:
    """Processor seconds for a recorded hour: of the step `clipping`, and of the rows of a day of 200,000 words."""
    from tests.helpers.synthetic_day import make_synthetic_day

    samples = np.asarray(np.clip(make_hiss(900 * RATE, -6.0), -1, 1))
    began = time.process_time()
    count_clipped(samples)
    clipping = 4 * (time.process_time() - began)
    day = make_synthetic_day()
    day = replace(day, quality=(HourQuality(0, 0.0, 3600.0, None),))
    began = time.process_time()
    assess_again(day)
    return {"clipping_s": clipping, "rows_s": (time.process_time() - began) / 24}


def show(found: Sequence[dict[str, Any]], costs: dict[str, float]) -> None:
    rows = [[one["name"], f"{one['minutes']:.1f}", one["alarm"] or "–", ", ".join(one["raised"]) or "–",
             *("–" if one[f] is None else f"{one[f]:.3f}" for f in FIGURES)] for one in found]  # fmt: skip
    frame.show("Alarms", ["", "minutes", "expected", "raised", *FIGURES], rows)
    degraded = [one for one in found if one["alarm"]]
    for alarm in sorted({one["alarm"] for one in degraded}):
        own = [one for one in degraded if one["alarm"] == alarm]
        print(f"{alarm}: raised on {sum(alarm in one['raised'] for one in own)} of {len(own)} copies")
    sound = [one for one in found if not one["alarm"]]
    cried = [f"{one['name']} ({', '.join(one['raised'])})" for one in sound if one["raised"]]
    print(f"Undegraded: alarms on {len(cried)} of {len(sound)}{': ' if cried else ''}{'; '.join(cried)}")
    print(f"For a recorded hour: clipping {costs['clipping_s']:.3f} s, rows {costs['rows_s']:.3f} s of a processor")


if __name__ == "__main__":
    main()
