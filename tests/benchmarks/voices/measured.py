"""The figures: weeks of many seeds, each lived by every way of remembering voices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.settings.schema import VoicesSettings
from tasks.voices.match import MatchRule
from tests.benchmarks.voices.hearings import Heard
from tests.benchmarks.voices.histories import ALL, Match, lived, moving_average, nearest_centroid, ours
from tests.benchmarks.voices.tally import Tally, spread, together
from tests.benchmarks.voices.weeks import drawn_week, real_week
from tests.simulation.voices import Spread, readers, titanet_like

LENGTHS = (5, 10, 16)
"""Days of the weeks, by turns."""
TUNING, MEASURING = range(12), range(100, 120)
"""Seeds: those that the threshold and the margin were chosen by, and others."""
THRESHOLDS = (0.86, 0.88, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)
MARGINS = (0.0, 0.01, 0.02, 0.04)

HISTORY_DAYS, PARTS = 200, 4
HISTORY_PEOPLE, HISTORY_REGULARS = 240, 20
SESSION = 0.5
"""How far a voice is off in each recording, in spreads within a voice."""
STANDARD = MatchRule(VoicesSettings().threshold, VoicesSettings().margin)
"""Of the profile whose model is TitaNet."""


def ways(rule: MatchRule) -> dict[str, Match]:
    """What is compared, by name."""
    return {
        "threshold and margin": ours(rule),
        "threshold alone": ours(MatchRule(rule.threshold, 0.0)),
        "… nearest embedding": ours(rule, 1),
        "… nearest 5": ours(rule, 5),
        "… mean of all": ours(rule, ALL),
        "moving average 70/30": moving_average(rule.threshold),
        "nearest centroid": nearest_centroid,
    }


def weeks(
    heard: Heard,
    match: Match,
    seeds: Sequence[int],
    days: Sequence[int],
    *,
    enrolled: bool,
    answered: bool = False,
) -> list[Tally]:
    """A tally of each seed's week."""
    return [
        together(lived(real_week(heard, days[seed % len(days)], seed), match, enrolled=enrolled, answered=answered))
        for seed in seeds
    ]


def rated(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Rates over all of them, their `spread` between histories, and how many hearings were judged."""
    whole = together(tallies)
    return {**whole.rates(), "hearings": whole.hearings, "histories": len(tallies), "spread": spread(tallies)}


def grid(
    heard: Heard,
    seeds: Sequence[int],
    days: Sequence[int],
    thresholds: Sequence[float] = THRESHOLDS,
    margins: Sequence[float] = MARGINS,
) -> list[dict[str, Any]]:
    """Rates at each threshold and margin, of weeks with people enrolled and of weeks without."""
    return [
        {
            "threshold": threshold,
            "margin": margin,
            **rated([t for e in (True, False) for t in weeks(heard, match, seeds, days, enrolled=e)]),
        }
        for threshold in thresholds
        for margin in margins
        for match in [ours(MatchRule(threshold, margin))]
    ]


def histories(
    rule: MatchRule, seeds: Sequence[int], days: int = HISTORY_DAYS
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """200 days of drawn voices, by model and way: the rates of each quarter."""
    models: dict[str, tuple[Spread, MatchRule]] = {
        "voices as the demo model spreads them": (readers(), rule),
        "voices as TitaNet might": (titanet_like(), STANDARD),
    }
    out: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, (voices, at) in models.items():
        drawn = [drawn_week(voices, HISTORY_PEOPLE, days, seed, SESSION, HISTORY_REGULARS) for seed in seeds]
        out[name] = {}
        for way, match in ways(at).items():
            if not way.startswith("…"):
                parts = zip(*(lived(week, match, parts=PARTS) for week in drawn), strict=True)
                out[name][way] = [rated(part) for part in parts]
    return out
