"""A service that misbehaves in every way that models and servers do: subtitles are whole and in time all the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import srt

from tasks.errors import MachineFault, TransientError, UsageError
from tasks.exports import render
from tasks.records import Speaker, Transcript
from tasks.remote_service import Silence
from tasks.translation.chat_client import ChatClient
from tasks.translation.glossary import parse_glossary
from tasks.translation.memory import SentenceMemory
from tasks.translation.translate import Translated, translate
from tests.helpers.chat_service import (
    Asked,
    ChatService,
    Lines,
    Reply,
    obey,
    reply,
    run_chat_service,
    translate_lines,
    translate_text,
)
from tests.helpers.sample_transcripts import make_transcript

SAID = (
    "Good morning to all of you.",
    "We have 25 tickets left.",
    "Who wants the next one?",
    "Nobody ever wants that one.",
    "Then I take it myself.",
    "Until the 14th of June, please.",
    "That will not be enough.",
    "Let us see what happens.",
)
TALK = make_transcript([(6.0 * i, f"SPEAKER_0{i % 2}", text.split()) for i, text in enumerate(SAID)])
WANTED = [translate_text(text) for text in SAID]


def merge(asked: Asked) -> Reply:
    """The second line's text goes to the first, all others move up, and the last is made up."""
    lines = translate_lines(asked.lines)
    if len(lines) > 1:
        texts = [f"{lines[0]['text']} {lines[1]['text']}", *(line["text"] for line in lines[2:]), "Os."]
        lines = [{"id": n, "text": text} for n, text in enumerate(texts, 1)]
    return reply(lines)


def merge_and_leave_out(asked: Asked) -> Reply:
    lines = translate_lines(asked.lines)
    return reply([*lines[:-2], {"id": lines[-2]["id"], "text": "All together."}] if len(lines) > 1 else lines)


def shift_ids(asked: Asked) -> Reply:
    lines = translate_lines(asked.lines)
    return reply([{"id": line["id"] + (len(lines) > 1), "text": line["text"]} for line in lines])


def change(do: Callable[[Lines], Lines]) -> Callable[[Asked], Reply]:
    """Answer with some lines changed, unless a line is asked for alone."""
    return lambda asked: reply(
        do(translate_lines(asked.lines)) if len(asked.lines) > 1 else translate_lines(asked.lines)
    )


def spoil(i: int, text: str) -> Callable[[Lines], Lines]:
    return lambda lines: [{**line, "text": text} if n == i % len(lines) else line for n, line in enumerate(lines)]


def leave_first(asked: Asked) -> Reply:
    lines = translate_lines(asked.lines)
    return reply([{**lines[0], "text": asked.lines[0]["text"]}, *lines[1:]]) if len(lines) > 1 else reply(lines)


def leave_neighbour(asked: Asked) -> Reply:
    lines, before = translate_lines(asked.lines), asked.content.get("before", asked.lines[1:])
    return reply([{**lines[0], "text": before[-1]["text"]}, *lines[1:]]) if len(lines) > 1 else reply(lines)


def only_alone(reply_to_many: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply_to_many if len(asked.lines) > 1 else obey(asked)


def fence(asked: Asked) -> Reply:
    return Reply(f"Sure! Here it is:\n```json\n{obey(asked).content}\n```")


def cut(asked: Asked) -> Reply:
    content = obey(asked).content
    return Reply(content[: len(content) * 2 // 3], finish="length") if len(asked.lines) > 1 else obey(asked)


def at_first(*replies: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: replies[asked.number] if asked.number < len(replies) else obey(asked)


WAYS: dict[str, Callable[[Asked], Reply]] = {
    "as it should be": obey,
    "lines merged, those after them moved": merge,
    "lines merged, one missing": merge_and_leave_out,
    "ids shifted": shift_ids,
    "an id twice": change(lambda lines: [*lines[:-1], lines[0]]),
    "an empty line": change(spoil(1, " ")),
    "a line left as it was": leave_first,
    "a line that is a neighbour's source": leave_neighbour,
    "a number changed": change(lambda lines: [{**x, "text": x["text"].replace("25", "52")} for x in lines]),
    "fences around the answer": fence,
    "fences within a line": change(spoil(0, "```Doog gninrom```")),
    "a refusal": only_alone(Reply("I'm sorry, but I can't help with that.")),
    "a refusal in a line": change(spoil(2, "I'm sorry, but I cannot translate this.")),
    "lines numbered": change(lambda lines: [{**x, "text": f"{x['id']}. {x['text']}"} for x in lines]),
    "cut off": cut,
    "too many requests": at_first(Reply(status=429, headers={"Retry-After": "0"}), Reply(status=503)),
    "no JSON schema": lambda asked: (
        Reply(status=400, body='{"error": "no"}') if "response_format" in asked.body else obey(asked)
    ),
    "no temperature": lambda asked: Reply(status=400, body="no") if "temperature" in asked.body else obey(asked),
    "no completion": at_first(Reply(body="<html>"), Reply(body='{"error": "overloaded"}')),
    "too long for the model": only_alone(Reply(status=413, body='{"error": {"message": "too long"}}')),
    "thoughts": lambda asked: Reply(f"<think>1. {{Good}} …</think>{obey(asked).content}"),
}


def run(service: ChatService, transcript: Transcript = TALK, **options: object) -> Translated:
    client = ChatClient(service.url, timeout_s=60.0, sleep=lambda seconds: None)
    return translate(transcript, "la", client, **options)  # type: ignore[arg-type]


def write_srt(found: Translated, transcript: Transcript = TALK) -> list[srt.Subtitle]:
    held = replace(transcript, translations=found.translations)
    return list(srt.parse(str(render(held, ["srt"], language="la")["transcript.la.srt"])))


def check_srt(found: Translated, texts: list[str]) -> None:
    """Every text is shown, in order, and no word before its segment begins or after its cue could still be read."""
    cues = write_srt(found)
    assert " ".join(" ".join(c.content.split()) for c in cues) == " ".join(
        f"SPEAKER_0{i % 2}: {text}" for i, text in enumerate(texts)
    )
    starts = [c.start.total_seconds() for c in cues]
    assert starts == sorted(starts)
    assert [round(s, 3) for s in starts] == [6.0 * i for i in range(len(texts))]
    assert all(c.start < c.end <= following.start for c, following in pairwise(cues))


@pytest.mark.parametrize("way", WAYS)
def test_subtitles_are_whole_and_in_time_whatever_the_service_does(way: str) -> None:
    with run_chat_service(WAYS[way]) as service:
        found = run(service)
    check_srt(found, WANTED)
    assert (found.untranslated, found.fault) == (0, None)
    assert {t.status for t in found.translations} == {"translated"}


def test_a_sentence_that_is_never_translated_stays_and_is_marked() -> None:
    def answer(asked: Asked) -> Reply:
        return reply([
            {**x, "text": source["text"] if "ticket" in source["text"] else x["text"]}
            for x, source in zip(translate_lines(asked.lines), asked.lines, strict=True)
        ])  # fmt: skip

    with run_chat_service(answer) as service:
        found = run(service)
    check_srt(found, [WANTED[0], SAID[1], *WANTED[2:]])
    assert [t.status for t in found.translations] == ["translated", "untranslated", *["translated"] * 6]
    rules = [asked.body["messages"][0]["content"] for asked in service.asked]
    assert sum("Your last answer was refused: line 1: it is not translated." in said for said in rules) == 1


class FallsSilent(ChatClient):
    """The connection to a service that answers so many requests, and no more."""

    left = 1

    def complete(self, messages: Sequence[dict[str, str]]) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Silence("no answer in time")
        return super().complete(messages)


def test_a_service_that_falls_silent_is_given_up_and_what_there_is_is_published(tmp_path: Path) -> None:
    memory = SentenceMemory(tmp_path / "held.jsonl")
    with run_chat_service() as service:
        client = FallsSilent(service.url)
        found = translate(TALK, "la", client, memory=memory, most=2)
        assert isinstance(found.fault, TransientError)
        assert client.left == -8
        check_srt(found, [*WANTED[:2], *SAID[2:]])
        assert [t.status for t in found.translations] == ["translated"] * 2 + ["untranslated"] * 6
        again = run(service, memory=SentenceMemory(tmp_path / "held.jsonl"))
        assert (again.remembered, again.untranslated) == (2, 0)


def test_a_service_that_never_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.translation.translate.MOST_FAILURES", 2)
    with run_chat_service(lambda asked: Reply(silent=True)) as service:
        with pytest.raises(Silence, match="no answer in time"):
            translate(TALK, "la", ChatClient(service.url, "some-model", timeout_s=0.1))
        assert [len(asked.lines) for asked in service.asked] == [8, 4]


def test_a_service_that_fails_at_once_is_an_error() -> None:
    with run_chat_service(lambda asked: Reply(status=401)) as service, pytest.raises(MachineFault, match="refuses"):
        run(service)
    with run_chat_service(lambda asked: Reply(status=404)) as service, pytest.raises(MachineFault, match="no model"):
        run(service)
    nobody = ChatClient("http://127.0.0.1:9/v1", "m", attempts=2, sleep=lambda seconds: None)
    with pytest.raises(TransientError, match=r"2 times\. Is the service there"):
        translate(TALK, "la", nobody)


@pytest.mark.parametrize(("models", "said"), [([], "names no model"), (["a", "b"], "several models: a, b")])
def test_a_model_is_named_where_the_service_has_not_one(models: list[str], said: str) -> None:
    with run_chat_service(models=models) as service:
        with pytest.raises(UsageError, match=said):
            run(service)
        assert translate(TALK, "la", ChatClient(service.url, "b")).untranslated == 0
        assert service.asked[0].body["model"] == "b"


def test_what_is_translated_is_remembered_by_sentence_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "translations" / "talk.jsonl"
    with run_chat_service() as service:
        assert run(service, memory=SentenceMemory(path)).remembered == 0
        asked = len(service.asked)
        again = run(service, memory=SentenceMemory(path))
        assert (again.remembered, len(service.asked)) == (8, asked)
        check_srt(again, WANTED)
        # One term more: only sentences that have it are asked for again.
        terms = parse_glossary("tickets => billets")
        assert run(service, memory=SentenceMemory(path), terms=terms).remembered == 7
        assert service.asked[-1].content["terms"] == {"tickets": "billets"}
        assert [line["text"] for line in service.asked[-1].lines] == [SAID[1]]
        assert [line["text"] for line in service.asked[-1].content["before"]] == [SAID[0]]
    torn = path.read_bytes()
    path.write_bytes(torn[:-20])
    with run_chat_service() as service:
        client = ChatClient(service.url, sleep=lambda seconds: None)
        assert translate(TALK, "la", client, memory=SentenceMemory(path)).untranslated == 0
        assert translate(TALK, "la", client, memory=SentenceMemory(path)).remembered == 8


def test_names_and_terms_that_stay_are_sent_and_the_key_is_in_the_header_alone() -> None:
    anna = Speaker("SPEAKER_00", 1.0, 1, 1, 0.0, 1.0, name="Anna Berg")
    talk = replace(make_transcript([(0.0, "SPEAKER_00", ["Then", "Anna", "said", "nothing."])]), speakers=(anna,))

    def answer(asked: Asked) -> Reply:
        return reply([{"id": 1, "text": "Neht Anna dias gnihton."}])

    with run_chat_service(answer) as service:
        client = ChatClient(service.url, key="sk-secret-1")
        found = translate(talk, "la", client, parse_glossary("nothing"))
    first = service.asked[0]
    assert first.content["keep"] == ["nothing", "Anna"]
    assert first.key == "Bearer sk-secret-1"
    assert all("sk-secret" not in json.dumps(asked.body) for asked in service.asked)
    # The glossary's term is gone: refused. The name is the model's to keep.
    assert found.untranslated == 1
