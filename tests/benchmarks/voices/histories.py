"""A week from its first recording to its last: who is taken for whom, by four ways of remembering voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tasks.voices.match import NEAREST, MatchRule, VoiceMatch, group_voices, match_speakers, score_voices
from tests.benchmarks.voices.tally import Tally
from tests.benchmarks.voices.weeks import Week

KEPT = 0.7
"""What a moving average keeps of itself at each hearing."""
ALL = 1_000_000
"""As `nearest`: the mean of all embeddings."""

Floats = NDArray[np.float64]


@dataclass
class Remembered:
    """Voices known so far: `owner`, the person of each one's first hearing; open offers as pairs of voices; `named`:
    those with a name, to whom no rival is offered."""

    owner: list[int] = field(default_factory=list)
    embeddings: list[Floats] = field(default_factory=list)
    voice_of: list[int] = field(default_factory=list)
    offers: list[tuple[int, int]] = field(default_factory=list)
    named: set[int] = field(default_factory=set)

    def hear(self, voice: int, embedding: Floats, person: int) -> int:
        """An embedding of `voice`, of a new one where that is −1."""
        if voice < 0:
            voice = len(self.owner)
            self.owner.append(person)
        self.embeddings.append(embedding)
        self.voice_of.append(voice)
        return voice

    def offer(self, voice: int, maybe: int, *, answered: bool) -> None:
        """`voice` may be `maybe`. Answered: it is merged into it, or is known to be another."""
        if not answered:
            self.offers.append((voice, maybe))
        elif self.owner[voice] == self.owner[maybe]:
            self.voice_of = [maybe if v == voice else v for v in self.voice_of]


Match = Callable[[Remembered, Floats], list[VoiceMatch]]


def ours(rule: MatchRule, nearest: int = NEAREST, scores: Any = score_voices) -> Match:
    """As the pipeline does it."""

    def match(known: Remembered, speakers: Floats) -> list[VoiceMatch]:
        voices = len(known.owner)
        found = scores(speakers, np.array(known.embeddings), np.array(known.voice_of), voices, nearest)
        return match_speakers(found, rule, group_voices(voices, known.offers))

    return match


def nearest_centroid(known: Remembered, speakers: Floats) -> list[VoiceMatch]:
    """Each speaker is the voice whose mean is nearest, one voice to one speaker, however far that is."""
    if not known.owner:
        return [VoiceMatch()] * len(speakers)
    means = np.zeros((len(known.owner), speakers.shape[1]))
    np.add.at(means, known.voice_of, np.array(known.embeddings))
    scores = speakers @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    out = [VoiceMatch()] * len(speakers)
    for row, column in zip(*linear_sum_assignment(scores, maximize=True), strict=True):
        out[row] = VoiceMatch(int(column), float(scores[row, column]))
    return out


def moving_average(threshold: float) -> Match:
    """One embedding a voice, 70 % what it was and 30 % what was heard last, with a threshold and no margin."""

    def match(known: Remembered, speakers: Floats) -> list[VoiceMatch]:
        means: dict[int, Floats] = {}
        for voice, embedding in zip(known.voice_of, known.embeddings, strict=True):
            moved = KEPT * means[voice] + (1 - KEPT) * embedding if voice in means else embedding
            means[voice] = moved / np.linalg.norm(moved)
        if not means:
            return [VoiceMatch()] * len(speakers)
        scores = speakers @ np.array([means[voice] for voice in range(len(means))]).T
        worth = np.where(scores >= threshold, scores + 1.0, 0.0)
        out = [VoiceMatch()] * len(speakers)
        for row, column in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
            if worth[row, column] > 0:
                out[row] = VoiceMatch(int(column), float(scores[row, column]))
        return out

    return match


def lived(week: Week, match: Match, *, enrolled: bool = True, answered: bool = False, parts: int = 1) -> list[Tally]:
    """The week, recording by recording; a tally of each of so many `parts` of its days. `enrolled`: residents and
    regulars were made known before; else everybody is new to the first recording. `answered`: somebody who knows says
    of each offer whether it is right, before the next recording; else nobody ever does."""
    known, tallies = Remembered(), [Tally() for _ in range(parts)]
    met: set[int] = set()
    if enrolled:
        for person, embedding in zip(*week.enrolled, strict=True):
            known.named.add(known.hear(-1, embedding, int(person)))
            met.add(int(person))
    for day, (people, embeddings, fresh) in enumerate(zip(week.people, week.embeddings, week.fresh, strict=True)):
        tally = tallies[day * parts // len(week.people)]
        found = match(known, embeddings) if known.owner else [VoiceMatch()] * len(people)
        owners = list(known.owner)
        for person, embedding, new, answer in zip(people, embeddings, fresh, found, strict=True):
            person = int(person)
            tally.count(person, answer, owners, was_met=person in met, is_fresh=bool(new))
            voice = known.hear(answer.voice, embedding, person)
            if answer.maybe >= 0 and answer.voice < 0:
                known.offer(voice, answer.maybe, answered=answered)
            if answer.rival >= 0 and not {answer.rival, answer.maybe} & known.named:
                known.offer(answer.rival, answer.maybe, answered=answered)
        met |= set(map(int, people))
        tally.voices, tally.people = len(set(known.voice_of)), len(met)
    return tallies
