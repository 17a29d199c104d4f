"""What came of the hearings of a history."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields

from tasks.voices.match import VoiceMatch


@dataclass
class Tally:
    """Hearings of people met before: their voice (`right`), another's (`confused`), a new one (`missed`); of people
    not met: a `new` voice, or `taken` for a known one. Offers, by whether the voice offered is the person's. `fresh`:
    of people met before, hearings of the half of their utterance that had never been heard. `voices` and `people` at
    the end."""

    right: int = 0
    confused: int = 0
    missed: int = 0
    new: int = 0
    taken: int = 0
    offered_right: int = 0
    offered_wrong: int = 0
    fresh: int = 0
    fresh_right: int = 0
    voices: int = 0
    people: int = 0

    def count(self, person: int, answer: VoiceMatch, owners: Sequence[int], *, was_met: bool, is_fresh: bool) -> None:
        is_right = answer.voice >= 0 and owners[answer.voice] == person
        if was_met:
            self.right += is_right
            self.confused += answer.voice >= 0 and not is_right
            self.missed += answer.voice < 0
            self.fresh += is_fresh
            self.fresh_right += is_fresh and is_right
        else:
            self.taken += answer.voice >= 0
            self.new += answer.voice < 0
        if answer.voice < 0 and answer.maybe >= 0:
            self.offered_right += owners[answer.maybe] == person
            self.offered_wrong += owners[answer.maybe] != person

    @property
    def known(self) -> int:
        """Hearings of people met before."""
        return self.right + self.confused + self.missed

    @property
    def hearings(self) -> int:
        return self.known + self.new + self.taken

    def rates(self) -> dict[str, float]:
        """Shares, 0–1. Of hearings of people met before: `identified`, `confused`, `false_rejects`, and `fresh` of
        those of a half never heard; of people not met: `taken`; of all hearings: `false_accepts` (confused or taken)
        and offers. `voices_per_person` at the end."""
        known, hearings = max(1, self.known), max(1, self.hearings)
        return {
            "identified": self.right / known,
            "false_accepts": (self.confused + self.taken) / hearings,
            "confused": self.confused / known,
            "taken": self.taken / max(1, self.new + self.taken),
            "false_rejects": self.missed / known,
            "offered_right": self.offered_right / hearings,
            "offered_wrong": self.offered_wrong / hearings,
            "fresh_identified": self.fresh_right / max(1, self.fresh),
            "voices_per_person": self.voices / max(1, self.people),
        }


def together(tallies: Sequence[Tally]) -> Tally:
    """The sum of several histories."""
    return Tally(*(sum(getattr(t, field.name) for t in tallies) for field in fields(Tally)))


def spread(tallies: Sequence[Tally]) -> dict[str, float]:
    """Of each rate, the standard deviation between histories."""
    rates = [t.rates() for t in tallies]
    return {name: statistics.pstdev(r[name] for r in rates) for name in rates[0]} if rates else {}
