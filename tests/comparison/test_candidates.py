"""How candidates are named on the command line."""

from __future__ import annotations

import pytest

from tasks.comparison.candidates import Candidate, parse_candidates
from tasks.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("onnx", [Candidate("onnx", "onnx")]),
        (
            "faster-whisper:small , onnx:/models/base",
            [
                Candidate("faster-whisper:small", "faster-whisper", "small"),
                Candidate("onnx:/models/base", "onnx", "/models/base"),
            ],
        ),
        (
            "a:owner/name@rev[compute_type=int8, languages=de,en,transcription.beam_size=2],b",
            [
                Candidate(
                    "a:owner/name@rev[compute_type=int8, languages=de,en,transcription.beam_size=2]",
                    "a",
                    "owner/name@rev",
                    (("compute_type", "int8"), ("languages", "de,en"), ("beam_size", "2")),
                ),
                Candidate("b", "b"),
            ],
        ),
        ("a:C:\\models\\x[]", [Candidate("a:C:\\models\\x[]", "a", "C:\\models\\x")]),
    ],
)
def test_an_engine_may_have_a_model_and_settings(text: str, expected: list[Candidate]) -> None:
    assert parse_candidates(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a,,b", "a[", "a]", "a[int8]", "a[=int8]", ":base", "a[x=1]b", "a[[x=1]]", "a:"]
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--engines .*write engine, engine:model or engine\[") as told:
        parse_candidates(text)
    assert "\n" not in str(told.value)


def test_the_same_candidate_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="a:x is named twice"):
        parse_candidates("a:x,b,a:x")


def test_a_model_of_the_other_settings_is_no_other_engines() -> None:
    plain, other = Candidate("usual", "usual"), Candidate("other", "other", None, (("beam_size", "1"),))
    assert "transcription.model=auto" not in plain.list_assignments("usual")
    assert other.list_assignments("usual")[:3] == [
        "transcription.engine=other",
        "transcription.model=auto",
        "transcription.beam_size=1",
    ]
    assert "transcription.model=x" in Candidate("other:x", "other", "x").list_assignments("usual")
