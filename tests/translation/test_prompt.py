"""What a model is asked, and how its answers are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.translation.prompt import BadAnswer, Request, read_answer, read_texts, write_messages
from tasks.translation.sentences import Sentence

LINES = '{"translations": [{"id": 1, "text": "Ja."}, {"id": 2, "text": "Nein."}]}'
BOTH = {1: "Ja.", 2: "Nein."}


def complete(content: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **more}, "finish_reason": finish}]}


def test_a_request_has_sentences_speakers_neighbours_and_terms_and_no_times() -> None:
    yes, no = Sentence(((4, "Yes."),), "SPEAKER_00", "en"), Sentence(((5, "No."),), None, "en")
    system, user = write_messages(
        Request("de", (yes,), (no,), (no,), (("minutes", "Protokoll"),), ("Anna",)), "empty"
    )
    assert json.loads(user["content"]) == {
        "to": "German",
        "terms": {"minutes": "Protokoll"},
        "keep": ["Anna"],
        "before": [{"text": "No."}],
        "sentences": [{"id": 1, "speaker": "SPEAKER_00", "text": "Yes."}],
        "after": [{"text": "No."}],
    }
    assert "German" in system["content"]
    assert "refused: empty" in system["content"]


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        f"```json\n{LINES}\n```",
        f"<think>Yes is {{ja}}, and so on.</think>\n{LINES}",
        f"Here you are:\n\n{LINES}\n\nAnything else?",
        '[{"id": 1, "text": "Ja."}, {"id": "2", "text": " Nein.\\n"}]',
        '{"1": "Ja.", "2": "Nein."}',
        [{"type": "text", "text": LINES}],
    ],
)
def test_answers_that_can_be_read(content: Any) -> None:
    assert read_answer(complete(content)) == BOTH


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "no chat completion"),
        ({"choices": []}, "no chat completion"),
        (complete(""), "empty"),
        (complete(None, refusal="I won't."), "refusal"),
        (complete("I'm sorry, I can't."), "no JSON"),
        (complete(LINES, finish="length"), "cut off"),
        (complete(LINES[:-20]), "no JSON"),
        (complete('{"translations": [{"id": 1, "text": "Ja."}, {"id": 1, "text": "Ja."}]}'), "line 1 twice"),
        (complete('{"translations": [{"text": "Ja."}]}'), "without its id"),
        (complete('{"translations": [{"id": 1, "text": null}]}'), "without a text"),
        (complete('{"translations": ["Ja.", "Nein."]}'), "without a text"),
    ],
)
def test_answers_that_can_not(answer: Any, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        read_answer(answer)


def test_an_empty_list_is_no_line() -> None:
    assert read_texts('{"translations": []}') == {}
