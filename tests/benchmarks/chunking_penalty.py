"""What cutting a recording costs: the same engines on all of it at once, in chunks of 10–15 minutes, and of 3–5.

Recordings: the bundled sample, and, where real readers' voices are at hand (DAYLONG_TEST_DATA names their folder),
conversations composed of readers that no weights were trained on; these have no words. All with the demo weights.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.simulation.talk import compose

WAYS: dict[str, dict[str, float]] = {
    "unchunked": {"min_minutes": 60, "max_minutes": 60, "overlap_s": 0},
    "10–15 min": {"min_minutes": 10, "max_minutes": 15},
    "3–5 min": {"min_minutes": 3, "max_minutes": 5},
}
COMPOSED = {"2 readers": (2, 30), "6 readers": (6, 40), "12 readers": (12, 55)}
"""Readers and minutes."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = frame.options(__doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        found = [measured(reference, path, folder) for path, reference in recordings(folder, quick=given.quick)]
    rows = []
    for one in found:
        whole = one["ways"]["unchunked"]
        for way, score_recording in one["ways"].items():
            rows.append(
                [
                    f"{one['name']}, {way}",
                    score_recording["chunks"],
                    f"{score_recording['speakers']} of {one['speakers']}",
                    _percent(score_recording["der"]),
                    _points(score_recording["der"], whole["der"]),
                    _percent(score_recording["confusion"]),
                    _percent(score_recording["cpwer"]),
                    _points(score_recording["cpwer"], whole["cpwer"]),
                    _percent(score_recording["cpwer_normalized"]),
                ]
            )
    columns = ["", "chunks", "speakers", "DER", "penalty", "confusion", "cpWER", "penalty", "normalised"]
    frame.show("Cut or whole (DER without a collar; penalties in points)", columns, rows)
    for one in found:
        if one["hearings"]:
            print(f"{one['name']}: each second of a reader is heard {one['hearings']:.0f} times")
    figures = {"recordings": found}
    frame.write(given.json, figures)
    return figures


def recordings(folder: Path, *, quick: bool) -> Iterator[tuple[Path, tuple[Any, float | None]]]:
    """(file, (its reference, how often each second of a reader is heard))."""
    import soundfile

    from data.recipes.readers import RATE, load_readers
    from tasks.evaluation.references import Reference, read_references
    from tasks.records import Turn
    from tasks.settings.home import sample

    path = sample()
    (reference,) = read_references([path.with_suffix(".stm"), path.with_suffix(".rttm")]).values()
    yield path, (reference, None)
    root = Path(__file__).resolve().parents[2]
    voices = Path(os.environ.get("DAYLONG_TEST_DATA", root.parent / "shared" / "data")) / "voices"
    if quick or not voices.is_dir():
        return
    unheard = [r for r in load_readers(voices).test if len(r) >= 8 * RATE]
    for name, (count, minutes) in COMPOSED.items():
        talk = compose(unheard[:count], minutes, seed=count)
        unheard = unheard[count:]
        file = folder / f"{name}.flac"
        soundfile.write(file, talk.samples, RATE)
        yield file, (Reference(name, tuple(Turn(a, b, who) for a, b, who in talk.turns)), talk.hearings)


def measured(reference: tuple[Any, float | None], path: Path, folder: Path) -> dict[str, Any]:
    """Scores of one recording in every way."""
    from flows.process_recording import process_recording
    from tasks.dataset.read import read_transcript
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.score import score_recording

    truth, hearings = reference
    ways = {}
    for way, chunking in WAYS.items():
        out = folder / way
        settings = {
            "profile": "demo", "out": str(out), "chunking": chunking, "cache": {"store": str(folder / "store")},
            "transcription": {"language": "en"},
        }  # fmt: skip
        outcome: Any = process_recording(str(path), settings)  # type: ignore[call-overload]
        result = score_recording(truth, read_from_transcript(read_transcript(out, outcome["recording_id"])))
        ways[way] = {
            "chunks": outcome["num_chunks"],
            "speakers": result.diarization.speakers_found,
            "der": result.diarization.der,
            "confusion": result.diarization.confusion,
            "cpwer": result.words.cpwer if result.words else None,
            "cpwer_normalized": result.normalized.cpwer if result.normalized else None,
        }
    return {
        "name": path.stem,
        "speakers": len({t.speaker for t in truth.turns}),
        "hearings": hearings,
        "ways": ways,
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _points(share: float | None, whole: float | None) -> str:
    return "" if share is None or whole is None else f"{100 * (share - whole):+.1f}"


if __name__ == "__main__":
    main()
