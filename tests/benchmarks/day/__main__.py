"""A whole day through the whole pipeline, against an hour of the same: `python -m tests.benchmarks.day`.

Per recording, each in a fresh process: an empty Prefect flow, which makes Prefect's database; the flow, as
`daylong run --profile demo` calls it; the same again, with everything in the cache; and an empty flow once more. Then
the scores that `daylong evaluate` would tell.
--quick: 30 minutes against 10. The day takes half an hour on two cores. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.beside import beside, stages
from tests.benchmarks.day.fresh import Ended, run_fresh
from tests.benchmarks.day.recording import Made, recording
from tests.benchmarks.day.tables import show

CHILD = "tests.benchmarks.day.child"


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--hours", type=float, default=24.0, metavar="N", help="of the long recording [24]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the recordings [1]")
    given = parser.parse_args(arguments)
    short, long = (1 / 6, 0.5) if given.quick else (1.0, given.hours)
    found: list[dict[str, Any]] = []
    for hours in (short, long):
        began = time.monotonic()
        made = recording(hours, given.seed)
        print(f"{Path(made.path).name}: {time.monotonic() - began:.0f} s to make it or find it", flush=True)
        with tempfile.TemporaryDirectory(prefix="daylong-day-") as folder:
            found.append(measured(made, Path(folder)))
        frame.write(given.json, {"recordings": found})
    show(*found)
    return {"recordings": found}


def measured(made: Made, folder: Path) -> dict[str, Any]:
    """All figures of one recording."""
    job = {"do": "flow", "source": made.path, "out": str(folder / "out")}
    first = _told("first start", run_fresh(CHILD, {"do": "nothing"}, folder))
    fresh = _told("flow", run_fresh(CHILD, job, folder))
    cached = _told("all cached", run_fresh(CHILD, job, folder))
    nothing = _told("empty flow", run_fresh(CHILD, {"do": "nothing"}, folder))
    began = time.monotonic()
    with open(made.path, "rb") as file:
        hashlib.file_digest(file, "sha256")
    hash_s = time.monotonic() - began
    hours = made.duration_s / 3600
    told = beside(_run(fresh), _run(cached))
    outcome = fresh.answer["outcome"] if fresh.answer else {}
    return {
        "recording": dataclasses.asdict(made) | {"path": Path(made.path).name},
        "outcome": {k: v for k, v in outcome.items() if k not in ("out", "exports")},
        "wall_s": fresh.wall_s,
        "s_per_hour": fresh.wall_s / hours,
        "peak_mb": fresh.peak_mb,
        "peak_own_mb": fresh.own_mb,
        "peak_during": next((name for name, span in stages(_run(fresh)).items() if fresh.peak_at in span), ""),
        "server_peak_mb": fresh.server_mb,
        "resident_mb": {name: mb for name, _, mb in _run(fresh)["heard"]["stages"]},
        "resident_mb_by_chunk": _run(fresh)["heard"]["chunks"],
        "beside": dataclasses.asdict(told),
        "beside_s": told.total_s,
        "gpu_share": told.gpu_share(),
        "cached": {
            "wall_s": cached.wall_s,
            "peak_mb": cached.peak_mb,
            "engine_calls": _run(cached)["outcome"]["engine_calls"],
            "empty_flow_s": nothing.wall_s,
            "first_empty_flow_s": first.wall_s,
            "hash_s": hash_s,
            "ratio": cached.wall_s / (nothing.wall_s + hash_s),
        },
        "scores": scored(made, folder / "out", outcome["recording_id"]),
    }


def scored(made: Made, out: Path, recording_id: str) -> dict[str, Any]:
    """As `daylong evaluate` does it."""
    from tasks.dataset.read import read_transcript
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.references import read_references
    from tasks.evaluation.score import score_recording

    began = time.monotonic()
    (truth,) = read_references(made.references).values()
    result = score_recording(truth, read_from_transcript(read_transcript(out, recording_id)))
    words = result.words
    return {
        "der": result.diarization.der,
        "der_collar": result.diarization.der_collar,
        "confusion": result.diarization.confusion,
        "speakers_found": result.diarization.speakers_found,
        "speakers": result.diarization.speakers_reference,
        "shares": {m.reference: m.share for m in result.speakers},
        "cpwer": words.cpwer if words else None,
        "cpwer_normalized": result.normalized.cpwer if result.normalized else None,
        "tcpwer": words.tcpwer if words else None,
        "scoring_s": time.monotonic() - began,
    }


def _run(ended: Ended) -> dict[str, Any]:
    return {"launched": ended.launched, "ended": ended.ended, **(ended.answer or {})}


def _told(what: str, ended: Ended) -> Ended:
    """The same, once it is sure that it went well, and a line about it."""
    if ended.answer is None:
        raise SystemExit(f"{what}: {ended.error}")
    print(f"  {what}: {ended.wall_s:.0f} s, {ended.peak_mb:.0f} MB", flush=True)
    return ended


if __name__ == "__main__":
    main()
