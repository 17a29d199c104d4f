"""The sample in natural voices: its script, how its turns are placed, and the reference that lies beside it."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data.recipes import museum_meeting
from data.recipes.museum_meeting import OVERLAP, PEOPLE, Spoken, overlap, place
from data.recipes.museum_script import read_script, words
from data.recipes.natural_voices import SAMPLE_RATE, printed
from tasks.evaluation.references import read_references

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    """Every turn as a hum, 0.3 s a word."""
    out = []
    for turn in read_script():
        lengths = [0.3 * len(words((sentence,))) for sentence in turn.sentences]
        sentences = [np.ones(round(length * SAMPLE_RATE), np.float32) for length in lengths]
        ends = np.cumsum([len(s) / SAMPLE_RATE + 0.3 for s in sentences])
        out.append(Spoken(turn, sentences, [0.0, *map(float, ends[:-1])]))
    place(out)
    return out


def test_five_people_say_more_than_four_thousand_words() -> None:
    turns = read_script()
    assert {turn.speaker for turn in turns} == set(PEOPLE)
    assert 4000 < sum(len(words(turn.sentences)) for turn in turns) < 5000
    assert all(words((sentence,)) for turn in turns for sentence in turn.sentences)
    assert sum(turn.pause_s for turn in turns) > 50
    assert any(turn.music for turn in turns)


def test_foreign_words_are_printed_without_their_phonemes() -> None:
    assert printed("(Gracias|ɡɾˈasjas), Marta.") == "Gracias, Marta."
    assert words(("It's (Gracias|ɡɾˈasjas), isn't it?",)) == ["it's", "gracias", "isn't", "it"]
    assert not any("|" in printed(sentence) for turn in read_script() for sentence in turn.sentences)


def test_turns_overlap_as_much_as_wanted(spoken: list[Spoken]) -> None:
    assert overlap(spoken) == pytest.approx(OVERLAP, abs=0.003)


def test_nobody_speaks_over_themselves(spoken: list[Spoken]) -> None:
    ends: dict[str, float] = defaultdict(float)
    for one in spoken:
        assert one.start >= ends[one.turn.speaker]
        ends[one.turn.speaker] = one.end


def test_one_leaves_for_more_than_ten_minutes(spoken: list[Spoken]) -> None:
    nora = [run for one in spoken if one.turn.speaker == "nora" for run in one.runs()]
    assert max(b[0] - a[1] for a, b in pairwise(nora)) > 600


def test_reference_holds_the_words_of_the_script(spoken: list[Spoken], tmp_path: Path) -> None:
    museum_meeting.write_reference(tmp_path, spoken)
    _assert_same_words(tmp_path / f"{museum_meeting.NAME}.stm")
    both = read_references(sorted(tmp_path.iterdir()))[museum_meeting.NAME]
    assert {turn.speaker for turn in both.turns} == set(PEOPLE)


def test_the_bundled_reference_is_of_this_script() -> None:
    _assert_same_words(SAMPLES / f"{museum_meeting.NAME}.stm")
    reference = read_references([SAMPLES / f"{museum_meeting.NAME}.rttm"])[museum_meeting.NAME]
    assert 24 * 60 < max(turn.span.end_s for turn in reference.turns) < 30 * 60


def _assert_same_words(stm: Path) -> None:
    said: dict[str, list[str]] = defaultdict(list)
    for line in stm.read_text(encoding="utf-8").splitlines():
        fields = line.split(maxsplit=6)
        said[fields[2]] += fields[6].split()
    for name in PEOPLE:
        assert said[name] == [w for turn in read_script() if turn.speaker == name for w in words(turn.sentences)]
