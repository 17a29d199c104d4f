"""One figure and what it aims at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`unit` is "%", "dB" or a word; shares are given in percent. `spread`: half of the 95 % interval."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    spread: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """None where nothing is aimed at."""
        if self.most is None and self.least is None:
            return None
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def row(self) -> tuple[str, str, str, str]:
        spread = "" if self.spread is None else f" ± {self.spread:.1f}"
        aim = f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}" if self.least is not None else ""
        reached = {True: "yes", False: "no", None: ""}[self.is_reached]
        return self.name, f"{self.value:.2f}{spread} {self.unit}".rstrip(), aim, reached
