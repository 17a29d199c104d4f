"""What was heard is replaced by what is meant: whole words, of one speaker, punctuation and times kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.merging.replacements import Replacement, parse_replacements, read_replacements, replace_heard
from tasks.records import Word


def say(text: str, speaker: str = "SPEAKER_00", start: float = 0.0) -> list[Word]:
    return [
        Word(start + i, start + i + 0.8, part, 0.5 + i / 100, chunk=0, channel=0, speaker=speaker)
        for i, part in enumerate(text.split())
    ]


def texts(words: tuple[Word, ...]) -> str:
    return " ".join(w.text for w in words)


RULES = parse_replacements(
    "cube control => kubectl\ncube => Qube\nanna => Hannah\nnew york => New Amsterdam\nkubernetis\tkubernetes\n"
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("run cube control now", "run kubectl now"),
        ("Cube control runs.", "Kubectl runs."),
        ("CUBE CONTROL!", "KUBECTL!"),
        ("“Cube control,” he said", "“Kubectl,” he said"),
        ("a cube. Control it", "a Qube. Control it"),
        ("a cube, control it", "a Qube, control it"),
        ("cubes and Annas", "cubes and Annas"),
        ("ANNA and anna's Anna", "Hannah and anna's Hannah"),
        ("to New York?", "to New Amsterdam?"),
        ("cube cube control", "Qube kubectl"),
        ("KUBERNETIS", "KUBERNETES"),
    ],
)
def test_whole_words_in_any_case_with_their_punctuation(said: str, meant: str) -> None:
    assert texts(replace_heard(say(said), RULES)) == meant


def test_what_was_heard_stays_beside_it() -> None:
    first, second = replace_heard(say("Cube control, please"), RULES)
    assert (first.text, first.heard, first.start_s, first.end_s) == ("Kubectl,", "Cube control,", 0.0, 1.8)
    assert first.confidence == pytest.approx(0.505)
    assert (second.text, second.heard) == ("please", None)
    york = replace_heard(say("New York"), RULES)
    assert [(w.text, w.heard, w.start_s) for w in york] == [("New", "New", 0.0), ("Amsterdam", "York", 1.0)]


def test_two_speakers_words_are_not_one_term() -> None:
    said = [*say("the cube"), *say("control of it", "SPEAKER_01", 2.0)]
    assert texts(replace_heard(said, RULES)) == "the Qube control of it"


def test_scripts_without_blanks() -> None:
    letters = [
        Word(i, i + 0.5, letter, chunk=0, channel=0, space_before=False) for i, letter in enumerate("東京都へ")
    ]
    found = replace_heard(letters, [Replacement("東京都", "東京")])
    assert [w.text for w in found] == ["東京", "へ"]
    assert (found[0].heard, found[0].end_s) == ("東京都", 2.5)


@given(st.lists(st.sampled_from(["cube", "control,", "Anna", "new", "York.", "x", "…"]), max_size=12))
def test_no_time_is_lost_or_turned_and_other_words_stay(said: list[str]) -> None:
    words = say(" ".join(said))
    found = replace_heard(words, RULES)
    assert [w.start_s for w in found] == sorted({w.start_s for w in found})
    assert [w for w in found if w.heard is None] == [w for w in words if w in found]
    assert sum(len((w.heard or w.text).split()) for w in found) == len(words)
    assert replace_heard(words, ()) == tuple(words)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"cube control kubectl", "line 1: write it as heard => meant"),
        (b"# a comment\n\n => kubectl", "line 3: write it as heard => meant"),
        (b"a => b => c", "line 1: write it as heard => meant"),
        (b"... => dots", "line 1: write it as heard => meant"),
        (b"a => b\nA => c", "line 2: A is in line 1 already, with another meaning"),
        (b"a => " + b"b" * 201, "line 1: longer than 200 characters"),
        (b"caf\xe9 => cafe", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "terms.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=told) as refused:
        read_replacements(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(UsageError, match="can't be read"):
        read_replacements(tmp_path / "nothing.txt")
