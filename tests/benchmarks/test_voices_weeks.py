"""The weeks that the benchmark of voices lives: who is heard when, and what each way of remembering makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.recipes.readers import RATE
from tasks.voices.match import MatchRule, VoiceMatch
from tests.benchmarks.voices.__main__ import main
from tests.benchmarks.voices.hearings import HALVES, RECORDERS, Heard, varied
from tests.benchmarks.voices.histories import Match, lived, moving_average, nearest_centroid, ours
from tests.benchmarks.voices.measured import grid, histories
from tests.benchmarks.voices.picture import draw
from tests.benchmarks.voices.scale import matching_s
from tests.benchmarks.voices.tally import Tally, together
from tests.benchmarks.voices.weeks import MOST, REGULARS, RESIDENTS, Week, real_week

PEOPLE, TIMES, DAYS = 20, 8, 6
RULE, NEAR = MatchRule(0.7, 0.1), MatchRule(0.85, 0.03)


def people(apart: float = 1.0) -> Heard:
    """Twenty people heard eight times. `apart`, 0–1: at 1 nobody could confuse two of them."""
    rng = np.random.default_rng(1)
    voices = np.eye(PEOPLE, 32)[:, None] * apart
    voices[..., -1] = np.sqrt(1 - apart**2)
    found = voices + 0.05 * rng.standard_normal((PEOPLE, TIMES, 32))
    found /= np.linalg.norm(found, axis=2, keepdims=True)
    return Heard(found.astype(np.float32), np.broadcast_to(np.arange(TIMES) % HALVES, (PEOPLE, TIMES)))


def one(week: Week, match: Match, *, enrolled: bool = True) -> Tally:
    return together(lived(week, match, enrolled=enrolled))


def test_residents_come_every_day_strangers_once_and_no_hearing_twice() -> None:
    for seed in range(5):
        week = real_week(people(), DAYS, seed)
        assert len(week.people) == DAYS
        days = [set(map(int, day)) for day in week.people]
        assert all(len(day) == len(list(there)) <= MOST for day, there in zip(days, week.people, strict=True))
        assert all(set(range(RESIDENTS)) <= day for day in days)
        strangers = [p for day in days for p in day if p >= RESIDENTS + REGULARS]
        assert len(strangers) == len(set(strangers)) > 0
        heard = np.concatenate([week.enrolled[1], *week.embeddings])
        assert len(np.unique(heard.round(6), axis=0)) == len(heard)


def test_a_half_is_fresh_once() -> None:
    week = real_week(people(), DAYS, 3)
    times = np.zeros(PEOPLE, int)
    for there, fresh in zip(week.people, week.fresh, strict=True):
        times[there] += fresh
    enrolled = np.arange(PEOPLE) < RESIDENTS + REGULARS
    assert (times[enrolled] <= HALVES - 1).all(), "the enrolment was the other half's"
    assert (times[~enrolled] <= 1).all()


@pytest.mark.parametrize("enrolled", [True, False])
def test_voices_far_apart_are_always_known_again(enrolled: bool) -> None:
    found = one(real_week(people(), DAYS, 0), ours(RULE), enrolled=enrolled)
    assert found.rates()["identified"] == 1
    assert (found.confused, found.missed, found.taken) == (0, 0, 0)
    assert found.voices == found.people
    assert found.right + found.new == found.hearings


def test_without_a_threshold_every_stranger_is_taken_for_somebody() -> None:
    found = one(real_week(people(), DAYS, 0), nearest_centroid)
    assert (found.new, found.missed) == (0, 0)
    assert found.taken > 0
    assert found.voices == RESIDENTS + REGULARS


def test_voices_that_are_near_are_confused_by_an_average_and_offered_by_a_margin() -> None:
    weeks = [real_week(people(0.3), DAYS, seed) for seed in range(4)]
    with_margin = together([one(week, ours(NEAR)) for week in weeks])
    average = together([one(week, moving_average(NEAR.threshold)) for week in weeks])
    assert average.confused + average.taken > 3 * (with_margin.confused + with_margin.taken)
    assert with_margin.rates()["identified"] > 0.7
    assert with_margin.offered_right > 0


def test_an_offer_that_is_answered_makes_one_voice_of_two() -> None:
    weeks = [real_week(people(0.3), DAYS, seed) for seed in range(4)]
    left, answered = (
        together([t for week in weeks for t in lived(week, ours(NEAR), answered=a)]) for a in (False, True)
    )
    assert answered.voices < left.voices - 20
    assert answered.voices <= answered.people
    assert answered.rates()["identified"] == pytest.approx(left.rates()["identified"], abs=0.05)


def test_the_average_forgets_at_its_rate() -> None:
    a, b = np.eye(2)
    match = moving_average(0.9)
    week = Week((np.array([0]),) * 2, (b[None], b[None]), (np.array([True]),) * 2, (np.array([0]), a[None]))
    turned = (0.7 * a + 0.3 * b) / np.linalg.norm(0.7 * a + 0.3 * b)
    assert one(week, match).missed == 1, "b is none of a's, and is itself again on the next day"
    half = Week((np.array([0]),), (turned[None],), (np.array([True]),), (np.array([0]), a[None]))
    assert one(half, match).right == int(turned @ a >= 0.9)


def test_hearings_are_counted_by_whose_voice_was_answered() -> None:
    owners = [7, 8]
    tally = Tally()
    tally.count(7, VoiceMatch(voice=0), owners, was_met=True, is_fresh=True)
    tally.count(7, VoiceMatch(voice=1), owners, was_met=True, is_fresh=False)
    tally.count(7, VoiceMatch(maybe=0), owners, was_met=True, is_fresh=False)
    tally.count(9, VoiceMatch(voice=0), owners, was_met=False, is_fresh=True)
    tally.count(9, VoiceMatch(maybe=1), owners, was_met=False, is_fresh=True)
    assert (tally.right, tally.confused, tally.missed, tally.taken, tally.new) == (1, 1, 1, 1, 1)
    assert (tally.offered_right, tally.offered_wrong) == (1, 1)
    rates = tally.rates()
    assert rates["identified"] == pytest.approx(1 / 3)
    assert rates["false_accepts"] == pytest.approx(2 / 5)
    assert rates["fresh_identified"] == 1
    assert together([tally, tally]).rates() == rates


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_hearing_is_the_same_words_and_the_same_again_by_its_seed(recorder: str) -> None:
    rng = np.random.default_rng(5)
    clean = (0.1 * np.sin(np.arange(2 * RATE) * 0.1) * rng.random(2 * RATE)).astype(np.float32)
    twice = [varied(clean, RECORDERS[recorder], np.random.default_rng(k)) for k in (1, 1, 2)]
    assert np.array_equal(twice[0], twice[1])
    assert not np.array_equal(twice[0][:RATE], twice[2][:RATE])
    assert all(abs(len(t) / len(clean) - 1) < 0.1 and np.isfinite(t).all() for t in twice)


def test_the_grid_and_the_long_histories_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib (the extra plots)")
    rows = grid(people(0.3), range(2), (DAYS,), thresholds=(0.6, 0.9), margins=(0.0, 0.1))
    assert [(row["threshold"], row["margin"]) for row in rows] == [(0.6, 0.0), (0.6, 0.1), (0.9, 0.0), (0.9, 0.1)]
    assert rows[0]["false_accepts"] >= rows[-1]["false_accepts"]
    long = histories(RULE, range(1), days=8)
    assert all(len(parts) == 4 for ways in long.values() for parts in ways.values())
    draw({"one": {"grid": rows, "ways": {"chosen": rows[0]}}}, long, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_matching_finds_who_is_asked_for() -> None:
    assert matching_s(1, voices=200, embeddings=1000)["found"] == 1


@pytest.mark.slow
def test_from_the_command_line_without_readers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib (the extra plots)")
    out = tmp_path / "figures.json"
    main(["--quick", "--voices", str(tmp_path / "none"), "--json", str(out), "--picture", str(tmp_path / "p.svg")])
    assert "their figures are left out" in capsys.readouterr().out
    figures = json.loads(out.read_text())
    assert figures["matching"]["found"] == 1
    assert str(tmp_path) not in out.read_text()
