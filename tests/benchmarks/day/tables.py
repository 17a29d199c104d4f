"""The figures as tables, beside what they aim at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.day.beside import ASSUMED_X, END, PUBLISHED_X, START, Beside

MOST_MB, MOST_SHARE, MOST_RATIO = 300, 0.03, 2.0
"""Aims: memory that a day takes more than an hour; share beside the engines; a cached run against doing nothing."""


def show(short: dict[str, Any], long: dict[str, Any]) -> None:
    """The tables."""
    names = [_length(r["recording"]["duration_s"]) for r in (short, long)]
    both = (short, long)
    frame.show(
        "The flow, a fresh process",
        ["", *names, "", "aim"],
        [
            ["wall, s", *(r["wall_s"] for r in both), "", ""],
            ["s per recorded hour", *(r["s_per_hour"] for r in both), _ratio(both, "s_per_hour"), ""],
            [
                "peak memory, run and engines, MB",
                *(round(r["peak_mb"]) for r in both),
                f"{long['peak_mb'] - short['peak_mb']:+.0f}",
                f"≤ +{MOST_MB}",
            ],
            ["  of these the run's own, MB", *(round(r["peak_own_mb"]) for r in both), "", ""],
            ["  during", *(r["peak_during"] for r in both), "", ""],
            ["the run's own, a quarter of the chunks done, MB", *(_resident(r, 0.25) for r in both), "", ""],
            ["  all chunks done, MB", *(_resident(r, 1.0) for r in both), "", ""],
            ["Prefect's server, MB", *(round(r["server_peak_mb"]) for r in both), "", ""],
            [
                "speech in it",
                *(f"{r['recording']['speech_s'] / r['recording']['duration_s']:.1%}" for r in both),
                "",
                "",
            ],
            ["DER, no collar", *(f"{r['scores']['der']:.2%}" for r in both), "", ""],
            ["cpWER", *(_percent(r["scores"]["cpwer"]) for r in both), "", ""],
            ["  normalised", *(_percent(r["scores"]["cpwer_normalized"]) for r in both), "", ""],
            ["speakers", *(f"{r['scores']['speakers_found']} of {r['scores']['speakers']}" for r in both), "", ""],
            ["scoring, s", *(r["scores"]["scoring_s"] for r in both), "", ""],
        ],
    )
    told = [Beside(**r["beside"]) for r in both]
    steps = list(dict.fromkeys([*told[0].rows, *told[1].rows]))
    rows: list[list[Any]] = [[s, *(t.rows.get(s, 0.0) for t in told), ""] for s in steps]
    rows += [
        ["together", *(t.total_s for t in told), ""],
        ["no engine at work, as it ran", *(t.idle_s for t in told), ""],
        [f"engines on a GPU of {ASSUMED_X:.0f} ×", *(t.gpu_engines_s() for t in told), ""],
        ["share beside such engines", *(f"{t.gpu_share():.1%}" for t in told), f"≤ {MOST_SHARE:.0%}"],
        ["  without starting and ending", *(f"{t.gpu_share(without=(START, END)):.1%}" for t in told), ""],
        [f"  with a GPU of {PUBLISHED_X:.0f} ×", *(f"{t.gpu_share(PUBLISHED_X):.1%}" for t in told), ""],
        *([f"engine here: {e}", *(t.engines.get(e, 0.0) for t in told), ""] for e in sorted(told[1].engines)),
        ["loading engines, s in all", *(t.loading_s for t in told), ""],
    ]
    frame.show("Beside the engines, s per recorded hour", ["", *names, "aim"], rows)
    cached = [r["cached"] for r in both]
    frame.show(
        "The same again, everything cached",
        ["", *names, "aim"],
        [
            ["engine calls", *(c["engine_calls"] for c in cached), "0"],
            ["wall, s", *(c["wall_s"] for c in cached), ""],
            ["an empty Prefect flow, s", *(c["empty_flow_s"] for c in cached), ""],
            ["the very first one, s", *(c["first_empty_flow_s"] for c in cached), ""],
            ["digest of the file, s", *(c["hash_s"] for c in cached), ""],
            ["ratio", *(c["ratio"] for c in cached), f"≤ {MOST_RATIO:g}"],
            ["peak memory, MB", *(round(c["peak_mb"]) for c in cached), ""],
        ],
    )


def _resident(one: dict[str, Any], share: float) -> int:
    """Memory when this share of the chunks was done: what a day's chunks leave behind shows between two of these."""
    chunks = one["resident_mb_by_chunk"]
    return round(chunks[max(0, round(share * len(chunks)) - 1)][1])


def _speech(made: dict[str, Any]) -> str:
    return f"{made['speech_s'] / made['duration_s']:.1%}"


def _length(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"


def _ratio(both: Sequence[dict[str, Any]], name: str) -> str:
    return f"× {both[1][name] / both[0][name]:.2f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"
