"""One recording one way, in a process of its own: error rates, seconds, memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.evaluation.hypotheses import SystemOutput, read_from_transcript
from tasks.evaluation.score import Score, score_recording
from tasks.evaluation.utterances import Utterance
from tasks.records import Turn
from tests.benchmarks.day.fresh import Ended, run_fresh
from tests.benchmarks.real_voices.recordings import Recording

RATES = ("der", "missed", "false_alarm", "confusion")


def measure_daylong(recording: Recording, engine: str, settings: Sequence[str], folder: Path) -> dict[str, Any]:
    """The whole flow with profile `light` and one diarizer; seconds of work by step."""
    from tasks.dataset.read import read_transcript
    from tasks.settings.load import as_parameters

    plain = {
        "profile": "light", "cache": {"store": str(folder / "store")}, "voices": {"mode": "never"},
        "transcription": {"language": recording.language}, "diarization": {"engine": engine},
    }  # fmt: skip
    out = folder / "out" / engine
    job = {
        "do": "flow", "source": str(recording.path), "out": str(out), "settings": as_parameters(plain, settings),
    }  # fmt: skip
    ended = run_fresh("tests.benchmarks.day.child", job, make_home(folder))
    if ended.answer is None:
        return _describe_failure(ended)
    transcript = read_transcript(out, ended.answer["outcome"]["recording_id"])
    costs = [(step, cost) for chunk in transcript.chunks for step, cost in chunk.costs.items()]
    work: dict[str, float] = {}
    for step, cost in costs:
        work[step] = work.get(step, 0.0) + cost.seconds
    return {
        **_collect_rates(score_recording(recording.reference, read_from_transcript(transcript), recording.language)),
        "seconds": transcript.run.wall_s,
        "times_real_time": recording.duration_s / transcript.run.wall_s,
        "work_s": work,
        "engines_peak_mb": max((cost.peak_mb for _, cost in costs), default=0.0),
        "peak_mb": ended.peak_mb,
    }


def measure_other(recording: Recording, way: str, folder: Path) -> dict[str, Any]:
    """One of the ways without Daylong; seconds of its work without loading."""
    job = {"do": way, "source": str(recording.path), "language": recording.language}
    ended = run_fresh("tests.benchmarks.real_voices.ways", job, make_home(folder))
    if ended.answer is None:
        return _describe_failure(ended)
    turns = tuple(Turn(a, b, who) for a, b, who in ended.answer.get("turns", ()))
    said = tuple(Utterance(a, b, "UNKNOWN", text) for a, b, text in ended.answer.get("words", ()))
    found = SystemOutput(recording.path.stem, recording.path.name, turns, said, (), recording.language)
    score = score_recording(recording.reference, found, recording.language)
    rates = {name: rate for name, rate in _collect_rates(score).items() if not name.startswith("cpwer")}
    kept = (*RATES, "found", "speakers") if turns else ("wer", "wer_normalized")
    return {
        **{name: rates[name] for name in kept if name in rates},
        "seconds": ended.answer["seconds"],
        "times_real_time": recording.duration_s / ended.answer["seconds"],
        "peak_mb": ended.peak_mb,
    }


def _describe_failure(ended: Ended) -> dict[str, Any]:
    return {"error": ended.error, "peak_mb": ended.peak_mb}


def _collect_rates(score: Score) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if score.diarization:
        out |= {rate: getattr(score.diarization, rate) for rate in RATES}
        out |= {"found": score.diarization.speakers_found, "speakers": score.diarization.speakers_reference}
    if score.words:
        out |= {"wer": score.words.wer, "cpwer": score.words.cpwer}
    if score.normalized:
        # Of characters where no blanks part the words.
        out |= {"wer_normalized": score.normalized.rate, "cpwer_normalized": score.normalized.cp_rate}
    return out


def make_home(folder: Path) -> Path:
    """A home of the benchmark's own, with the weights of this machine."""
    from tasks.settings.home import home

    own = folder / "home"
    models = own / "data" / "models"
    if not models.exists():
        models.parent.mkdir(parents=True)
        os.symlink(home() / "data" / "models", models)
    return own
