"""Our flow against what one would do without it: the same engines and weights on the whole file at once.

faster-whisper by itself (words, no speakers), with and without its own filter of speech; NeMo's ClusteringDiarizer by
itself (speakers, no words); and the flow, which gives both. One hour and four hours of a generated recording, each
way in a fresh process, stopped where it takes more than `--limit-min` or three quarters of the free memory. --quick:
10 and 30 minutes. Linux only.

WER takes all speakers' words as one stream; DER is without a collar, overlaps scored. The demo recogniser was trained
on stretches of a few seconds and does badly in the full windows of 30 s that faster-whisper takes by default: compare
the first two by time and memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.fresh import Ended, run_fresh
from tests.benchmarks.day.recording import Made, recording
from tests.benchmarks.whole_file.ways import WAYS

FLOW = "Daylong"


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--hours", type=float, nargs="+", metavar="N", help="lengths of the recordings [1 4]")
    parser.add_argument("--limit-min", type=float, default=20.0, metavar="N", help="minutes for one way at most [20]")
    given = parser.parse_args(arguments)
    lengths = given.hours or ((1 / 6, 0.5) if given.quick else (1.0, 4.0))
    found: list[dict[str, Any]] = []
    for hours in lengths:
        made = recording(hours)
        for way in (*WAYS, FLOW):
            with tempfile.TemporaryDirectory(prefix="daylong-whole-") as folder:
                one = {"hours": hours, "way": way, **measured(made, way, Path(folder), given.limit_min * 60)}
            found.append(one)
            print(f"{one['hours']:.2f} h, {way}: {one['wall_s']:.0f} s, {one['error'] or 'done'}", flush=True)
            frame.write(given.json, {"ways": found})
    for hours in lengths:
        show([one for one in found if one["hours"] == hours])
    return {"ways": found}


def measured(made: Made, way: str, folder: Path, limit_s: float) -> dict[str, Any]:
    """Figures of one way on one recording."""
    limits = {"limit_s": limit_s, "limit_mb": 0.75 * free_mb()}
    if way == FLOW:
        job = {"do": "flow", "source": made.path, "out": str(folder / "out")}
        ended = run_fresh("tests.benchmarks.day.child", job, folder, **limits)
    else:
        job = {"do": way, "source": made.path, "folder": str(folder)}
        ended = run_fresh("tests.benchmarks.whole_file.ways", job, folder, **limits)
    return {
        "wall_s": ended.wall_s,
        "s_per_hour": ended.wall_s / (made.duration_s / 3600),
        "peak_mb": ended.peak_mb,
        "seconds": (ended.answer or {}).get("seconds", {}),
        "error": ended.error,
        **(scored(made, ended, folder) if ended.answer else {}),
    }


def scored(made: Made, ended: Ended, folder: Path) -> dict[str, Any]:
    """`wer`, `wer_normalized` and `der`, each where there is something to score; `speakers` found, of how many."""
    from tasks.dataset.read import read_transcript
    from tasks.evaluation import words
    from tasks.evaluation.diarization import score_diarization
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.line_formats import read_rttm
    from tasks.evaluation.normalizers import get_normalizer
    from tasks.evaluation.references import read_references
    from tasks.evaluation.text_scores import score_texts
    from tasks.evaluation.utterances import Utterance

    (truth,) = read_references(made.references).values()
    answer, turns, said = ended.answer or {}, None, None
    if "outcome" in answer:
        found = read_from_transcript(read_transcript(folder / "out", answer["outcome"]["recording_id"]))
        turns, said = found.turns, found.utterances
    if "rttm" in answer:
        turns = tuple(turn for _, turn in read_rttm(Path(answer["rttm"])))
    if "words" in answer:
        said = tuple(Utterance(a, b, "", text) for a, b, text in answer["words"])
    out: dict[str, Any] = {}
    if said is not None and words.is_meeteval_installed():
        one = [[replace(u, speaker="all") for u in side] for side in (truth.utterances, said)]
        out["wer"] = words.score_words(one[0], one[1]).cpwer
        normalized = score_texts(one[0], one[1], get_normalizer("en"))
        out["wer_normalized"] = normalized.cpwer if normalized else None
    if turns is not None:
        score = score_diarization(truth.turns, turns)
        out |= {"der": score.der, "speakers": f"{score.speakers_found} of {score.speakers_reference}"}
    return out


def free_mb() -> float:
    """Memory that could be had now, MiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:"))


def show(ways: Sequence[dict[str, Any]]) -> None:
    """A table of one recording."""
    flow = next(one for one in ways if one["way"] == FLOW)
    rows = [
        [
            one["way"],
            f"{one['wall_s']:.0f}" + ("" if not one["error"] else "+"),
            f"{one['s_per_hour']:.0f}",
            f"{one['wall_s'] / flow['wall_s']:.2f}",
            f"{one['peak_mb']:.0f}",
            _percent(one.get("wer")),
            _percent(one.get("wer_normalized")),
            _percent(one.get("der")),
            one.get("speakers", ""),
            one["error"],
        ]
        for one in ways
    ]
    columns = [
        "",
        "wall, s",
        "s per hour",
        "to Daylong's",
        "peak memory, MB",
        "WER",
        "normalised",
        "DER",
        "speakers",
        "",
    ]
    frame.show(f"{flow['hours']:.2g} h as one file", columns, rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


if __name__ == "__main__":
    main()
