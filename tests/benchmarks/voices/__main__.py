"""The same person known tomorrow? Weeks of recordings of real readers, matched as `tasks/voices` does it.

Readers that the demo's speaker model has not heard (DAYLONG_TEST_DATA or --voices names their folder): residents who
are there every day, regulars who are there on some, strangers who come once. Each hearing has another speed, level,
room and codec. Against the nearest centroid without a threshold, and one moving average a voice; at the threshold and
margin of profile demo, and over a grid of others (table and picture). Then histories of 200 days of drawn voices, and
the time of matching against 10,000 voices.

A false accept is a person taken for another's voice, whether known before or not; a false reject a known person taken
for a new one. --quick: few hearings and seeds, one recorder. The hearings are kept in data/cache/benchmarks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.settings.home import cache
from tasks.settings.profiles import MODEL_SETTINGS
from tasks.voices.match import MatchRule
from tests.benchmarks import frame
from tests.benchmarks.voices.hearings import RECORDERS, Heard, heard
from tests.benchmarks.voices.measured import LENGTHS, MEASURING, TUNING, grid, histories, rated, ways, weeks
from tests.benchmarks.voices.picture import draw
from tests.benchmarks.voices.scale import DIM, EMBEDDINGS, SPEAKERS, VOICES, matching_s

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "data/models/demo/speaker.nemo"
CHOSEN = MatchRule(**MODEL_SETTINGS["diarization", "embedding_model"]["demo:speaker"]["voices"])
"""Of profile demo: chosen on the first `TUNED` unheard readers and the tuning seeds."""
TUNED = 32
OURS, ANSWERED = "threshold and margin", "… offers answered"
COLUMNS = {
    "identified": "identified %",
    "false_accepts": "false accepts",
    "taken": "of strangers",
    "false_rejects": "false rejects",
    "offered_right": "offers right",
    "offered_wrong": "wrong",
    "fresh_identified": "new half id.",
    "voices_per_person": "voices / people",
}
WITH_SPREAD = ("identified", "false_accepts")


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    given = options().parse_args(arguments)
    figures: dict[str, Any] = {"threshold": CHOSEN.threshold, "margin": CHOSEN.margin}
    folder: Path = given.voices
    if folder.is_dir():
        figures["real"] = real(folder, quick=given.quick)
    else:
        print("no recordings of real readers here (--voices): their figures are left out")
    figures["histories"] = histories(CHOSEN, range(1 if given.quick else 4))
    show_histories(figures["histories"])
    figures["matching"] = matching_s()
    show_matching(figures["matching"])
    frame.write(given.json, figures)
    curves = {recorder: found["curve"] for recorder, found in figures.get("real", {}).items()}
    draw(curves, figures["histories"], given.picture)
    print("\npicture:", given.picture)
    return figures


def options() -> Any:
    parser = frame.options(__doc__)
    parser.add_argument("--voices", type=Path, metavar="DIR", default=readers(), help="one FLAC file a reader")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", default=cache() / "benchmarks" / "voices.png", help="PNG or SVG"
    )
    return parser


def readers() -> Path:
    return Path(os.environ.get("DAYLONG_TEST_DATA", ROOT.parent / "shared" / "data")) / "voices"


def real(folder: Path, *, quick: bool) -> dict[str, Any]:
    """By recorder: the ways on readers not heard in training, the same on others, and the curve."""
    from data.recipes.readers import load_readers

    groups = load_readers(folder)
    unheard = [*groups.dev, *groups.test]
    times, days = (8, (5,)) if quick else (max(LENGTHS) + 2, LENGTHS)
    seeds = MEASURING[:8] if quick else MEASURING
    out: dict[str, Any] = {}
    for recorder in list(RECORDERS)[-1:] if quick else RECORDERS:
        whole = heard(unheard[TUNED:] if quick else unheard, times, recorder, MODEL)
        measured = whole.people(slice(0 if quick else TUNED, None))
        found = compared(measured, seeds, days)
        if not quick:
            tuned = whole.people(slice(TUNED))
            trained = heard(groups.train[: len(measured.halves)], times, recorder, MODEL)
            found["others"] = {
                "on the readers it was chosen by": at_chosen(tuned, TUNING, days),
                "on readers the model was trained on": at_chosen(trained, seeds, days),
            }
            found["tuning"] = grid(tuned, TUNING, days)
        found["curve"] = {"grid": grid(measured, seeds, days), "ways": marked(found["enrolled"])}
        show_real(recorder, found)
        out[recorder] = found
    return out


def compared(people: Heard, seeds: Sequence[int], days: Sequence[int]) -> dict[str, Any]:
    """All ways at the chosen threshold and margin, with residents and regulars enrolled before, and with nobody."""
    found = {}
    for name, enrolled in {"enrolled": True, "nobody enrolled": False}.items():
        of = {way: weeks(people, match, seeds, days, enrolled=enrolled) for way, match in ways(CHOSEN).items()}
        of[ANSWERED] = weeks(people, ways(CHOSEN)[OURS], seeds, days, enrolled=enrolled, answered=True)
        found[name] = {way: rated(of[way]) for way in [OURS, ANSWERED, *ways(CHOSEN)]}
    return found


def marked(of: Mapping[str, Any]) -> dict[str, Any]:
    """What the picture marks: what is done, and what it is measured against."""
    return {way: rates for way, rates in of.items() if not way.startswith("…")}


def at_chosen(people: Heard, seeds: Sequence[int], days: Sequence[int]) -> dict[str, Any]:
    return rated(weeks(people, ways(CHOSEN)[OURS], seeds, days, enrolled=True))


def show_real(recorder: str, found: Mapping[str, Any]) -> None:
    at = f"threshold {CHOSEN.threshold:g}, margin {CHOSEN.margin:g}"
    for name in ("enrolled", "nobody enrolled"):
        rows = [[way, *cells(rates)] for way, rates in found[name].items()]
        if name == "enrolled":
            rows += [[f"({other})", *cells(rates)] for other, rates in found.get("others", {}).items()]
        one = next(iter(found[name].values()))
        title = f"{recorder}, {name}: {one['hearings']} hearings in {one['histories']} weeks, {at}; ± between weeks"
        frame.show(title, ["", *COLUMNS.values()], rows)
    for title, held in {"chosen by": found.get("tuning"), "measured on": found["curve"]["grid"]}.items():
        if held:
            margins = sorted({row["margin"] for row in held})
            rows = [
                [f"{threshold:g}", *(pair(row) for row in held if row["threshold"] == threshold)]
                for threshold in sorted({row["threshold"] for row in held})
            ]
            columns = ["threshold", *(f"margin {margin:g}" for margin in margins)]
            frame.show(f"{recorder}, readers {title}: false accepts % of hearings, identified %", columns, rows)


def cells(rates: Mapping[str, Any]) -> list[str]:
    out = []
    for name in COLUMNS:
        if name == "voices_per_person":
            out.append(f"{rates[name]:.2f}")
        else:
            spread = f" ± {100 * rates['spread'][name]:.1f}" if name in WITH_SPREAD else ""
            out.append(f"{100 * rates[name]:.1f}{spread}")
    return out


def pair(row: Mapping[str, float]) -> str:
    return f"{100 * row['false_accepts']:.1f}, {100 * row['identified']:.0f}"


def show_histories(found: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> None:
    for name, held in found.items():
        rows = [
            [way, *(pair(part) for part in parts), f"{parts[-1]['voices_per_person']:.2f}"]
            for way, parts in held.items()
        ]
        columns = ["false accepts %, identified %", "days 1–50", "51–100", "101–150", "151–200", "voices / people"]
        frame.show(f"200 days, {name}", columns, rows)


def show_matching(found: Mapping[str, float]) -> None:
    title = f"{SPEAKERS} speakers against {VOICES:,} voices, {EMBEDDINGS:,} embeddings of {DIM} values"
    rows = [[found["seconds"], found["search_s"], found["slowest_s"], f"{found['found']:.0%}"]]
    frame.show(title, ["seconds, median", "of these the search", "slowest", "found"], rows)


if __name__ == "__main__":
    main()
