"""The curve over thresholds and margins, and what 200 days do to each way of remembering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MARKS = "*sDv^o"


def draw(curves: Mapping[str, Any], long: Mapping[str, Any], file: Path) -> None:
    """`curves`: by recorder, rates over the `grid` of thresholds and margins, and of the `ways` by name; `long`: by
    model, by way, the rates of each part of a history."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(curves) + len(long), figsize=(4.6 * (len(curves) + len(long)), 4.4), layout="constrained"
    )
    for axis, (recorder, curve) in zip(axes, curves.items(), strict=False):
        _curve(axis, curve["grid"], curve["ways"])
        axis.set_title(f"Real readers, {recorder}")
    for axis, (name, ways) in zip(axes[len(curves) :], long.items(), strict=True):
        for way, parts in ways.items():
            axis.plot(
                range(1, len(parts) + 1),
                [100 * part["false_accepts"] for part in parts],
                "o-",
                label=way,
                clip_on=False,
            )
        axis.set(
            title=name[0].upper() + name[1:],
            xlabel="quarter of 200 days",
            ylabel="false accepts, % of hearings",
            ylim=(0, None),
        )
        axis.set_xticks(range(1, 5))
        axis.legend(frameon=False, fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def _curve(axis: Any, grid: Sequence[Mapping[str, Any]], ways: Mapping[str, Mapping[str, float]]) -> None:
    for margin in sorted({row["margin"] for row in grid}):
        line = [row for row in grid if row["margin"] == margin]
        axis.plot(
            [100 * row["false_accepts"] for row in line],
            [100 * row["identified"] for row in line],
            ".-",
            label=f"margin {margin:g}",
        )
    for (way, rates), mark in zip(ways.items(), "*sDv^", strict=False):
        axis.plot(
            100 * rates["false_accepts"], 100 * rates["identified"], mark, color="black", label=way, markersize=8
        )
    axis.set(xlabel="false accepts, % of hearings", ylabel="known people identified, %", ylim=(0, 102))
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(0, 100)
    axis.set_xticks([0, 0.5, 1, 2, 5, 10, 20, 50, 100], ["0", ".5", "1", "2", "5", "10", "20", "50", "100"])
    axis.legend(frameon=False, fontsize=8)
