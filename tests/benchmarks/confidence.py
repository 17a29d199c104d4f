"""Whether confidence means something: how right words are, and their speakers, by how sure the transcript is of them.

Recordings: the bundled sample; an hour of the generated day; and, where real readers' voices are at hand
(DAYLONG_TEST_DATA names their folder), a conversation composed of twelve whom no weights were trained on (speakers
alone: their words aren't known) and three minutes of two. All through the flow with the demo weights. --picture FILE
draws it. --quick: the sample alone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks import frame


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="draw shares right against confidence, PNG or SVG"
    )
    given = parser.parse_args(arguments)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="daylong-confidence-") as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        for path, truth in recordings(folder, quick=given.quick):
            for what, told in measured(path, truth, folder).items():
                found.append({"recording": path.stem, "of": what, **told})
    columns = ["", "judged", "right", "least sure tenth", "surest", "calibration error"]
    shares = list(found[0]["caught"])
    rows = [
        [
            f"{one['recording']}, {one['of']}",
            one["count"],
            f"{1 - one['wrong'] / one['count']:.1%}",
            f"{one['bins'][0]['right']:.1%}",
            f"{one['bins'][-1]['right']:.1%}",
            one["calibration_error"],
            *(f"{one['caught'][share]:.0%}" for share in shares),
        ]
        for one in found
    ]
    title = "How right by how sure; and of all that is wrong, how much the least sure 2, 5 and 10 % hold"
    frame.show(title, [*columns, *shares], rows)
    figures = {"found": found}
    frame.write(given.json, figures)
    if given.picture:
        draw(found, given.picture)
    return figures


def recordings(folder: Path, *, quick: bool) -> Iterator[tuple[Path, Any]]:
    """(file, its reference)."""
    import soundfile

    from data.recipes.readers import RATE, load_readers
    from tasks.evaluation.references import Reference, read_references
    from tasks.records import Turn
    from tasks.settings.home import sample
    from tests.benchmarks.day.recording import recording
    from tests.simulation.talk import compose

    path = sample()
    yield path, *read_references([path.with_suffix(".stm"), path.with_suffix(".rttm")]).values()
    if quick:
        return
    made = recording(1.0)
    yield Path(made.path), *read_references(made.references).values()
    root = Path(__file__).resolve().parents[2]
    data = Path(os.environ.get("DAYLONG_TEST_DATA", root.parent / "shared" / "data"))
    if not data.is_dir():
        return
    stereo = data / "stereo" / "ls2_stereo.flac"
    yield stereo, *read_references([stereo.with_suffix(".stm"), stereo.with_suffix(".rttm")]).values()
    readers = [r for r in load_readers(data / "voices").test if len(r) >= 8 * RATE][:12]
    talk = compose(readers, 40, seed=12)
    file = folder / "12 readers.flac"
    soundfile.write(file, talk.samples, RATE)
    yield file, Reference(file.stem, tuple(Turn(a, b, who) for a, b, who in talk.turns))


def measured(path: Path, truth: Any, folder: Path) -> dict[str, dict[str, Any]]:
    """The reliability of words and of their speakers, where each can be told."""
    from flows.process_recording import process_recording
    from tasks.dataset.read import read_transcript
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.score import score_recording

    settings = {
        "profile": "demo", "out": str(folder / "out"), "transcription": {"language": "en"},
        "cache": {"store": str(folder / "store")},
    }  # fmt: skip
    outcome: Any = process_recording(str(path), settings)  # type: ignore[call-overload]
    result = score_recording(truth, read_from_transcript(read_transcript(folder / "out", outcome["recording_id"])))
    told = {"words": result.sure_words, "speakers": result.sure_speakers}
    return {what: asdict(sure) for what, sure in told.items() if sure is not None}


def draw(found: Sequence[dict[str, Any]], file: Path) -> None:
    """Shares right against confidence, a line for each recording."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
    for axis, what in zip(axes, ("words", "speakers"), strict=True):
        axis.plot([0, 1], [0, 1], color="0.8", linewidth=1)
        for one in [f for f in found if f["of"] == what]:
            bins = one["bins"]
            axis.plot([b["confidence"] for b in bins], [b["right"] for b in bins], "o-", label=one["recording"])
        axis.set(title=what.capitalize(), xlabel="mean confidence of a tenth", xlim=(0, 1.02), ylim=(0, 1.02))
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("share right")
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
