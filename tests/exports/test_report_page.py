"""report.html as a file: what is in it, and that nothing that was said can become a part of the page."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.canonical import canonical
from tasks.exports import render
from tasks.exports.report import write
from tasks.exports.report.data import build_columns, encode_json
from tasks.exports.report.facts import COLOURS, build_quality_rows, choose_mark_classes
from tasks.exports.report.links import format_source_url, relativize_paths
from tasks.exports.text import to_ms
from tasks.intervals import Span
from tasks.records import UNKNOWN, Part, Transcript
from tasks.text import to_one_line
from tests.helpers.sample_transcripts import (
    HOSTILE,
    make_meeting,
    make_recording_row,
    make_run,
    make_silence,
    make_transcript,
    make_without_diarization,
    transcripts,
)

PAGES = Path(__file__).parents[2] / "tasks" / "exports" / "report"
ANYTHING = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


class Seen(HTMLParser):
    """The elements of a page, the text of its scripts and styles, all text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.inside:
            self.inside[self.cdata_elem][-1] += data
        else:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    @property
    def data(self) -> dict:
        return json.loads(self.inside["script"][0])

    @property
    def policy(self) -> str:
        (found,) = [a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert found
        return found


def unfolded(found: dict) -> list[tuple[int, int, str | None, list[tuple[str, int, int, int]]]]:
    """(start, end, speaker, [(word, start, end, sure)]) of the report's rows, as its scripts unfold them."""
    names = [s["label"] for s in found["speakers"]]
    words = found["words"]
    texts = words["text"].split("\n") if words["at"] else []
    assert len(texts) == len(words["at"]) == len(words["long"]) == len(words["sure"])
    each = iter(zip(texts, words["at"], words["long"], words["sure"], strict=True))
    rows, at = [], 0
    for step, long, who, count in zip(*(found["rows"][k] for k in ("at", "long", "who", "words")), strict=True):
        at += step
        held, place = [], at
        for word, by, lasts, sure in itertools.islice(each, count):
            place += by
            held.append((word, place, place + lasts, sure))
        rows.append((at, at + long, names[who] if who >= 0 else None, held))
    assert next(each, None) is None
    return rows


def test_it_says_what_when_how_long_and_who() -> None:
    seen = Seen(write(make_meeting()))
    for said in (
        "meeting.flac",
        "Wednesday, 1 May 2024, 00:30 (Europe/Berlin",
        "1 min 00 s",
        "2 speakers",
        "34 words",
        "SPEAKER_01",
        "Unknown",
        "0 failed chunks of 1",
        "1 word whose voice could not be told",
        "ff" * 32,
        "small",
    ):
        assert said in seen.text


@settings(max_examples=60, deadline=None)
@given(transcripts())
def test_every_word_is_in_it_where_it_was_said(transcript: Transcript) -> None:
    held = canonical(transcript)
    rows = unfolded(build_columns(held))
    expected = sorted(
        (to_ms(w.start_s), to_ms(w.end_s), to_one_line(w.text)) for w in held.words if to_one_line(w.text)
    )
    assert sorted((start, end, word) for *_, words in rows for word, start, end, _ in words) == expected
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert all(sure == 88 for *_, words in rows for *_, sure in words)


@settings(max_examples=100, deadline=None)
@given(said=st.lists(ANYTHING, min_size=1, max_size=8), name=ANYTHING, error=ANYTHING, speaker=ANYTHING)
def test_no_text_becomes_a_part_of_the_page(said: list[str], name: str, error: str, speaker: str) -> None:
    honest = Seen(write(failing(["Good", "morning."], "meeting.flac", "full disk", "SPEAKER_00")))
    transcript = canonical(failing(said, name, error, speaker))
    seen = Seen(write(transcript))
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in honest.elements]
    assert (seen.count("script"), len(seen.inside["script"])) == (2, 2)
    assert seen.data == build_columns(transcript)
    assert seen.inside["script"][1] == honest.inside["script"][1]
    assert seen.policy == honest.policy
    assert not [a for _, attributes in seen.elements for a in attributes if a.startswith("on") or a == "style"]


def failing(said: list[str], name: str, error: str, speaker: str) -> Transcript:
    transcript = make_transcript(
        [(1.0, speaker or "_", said)], of=make_recording_row(source_name=name), by=make_run(language=None)
    )
    (chunk,) = transcript.chunks
    return dataclasses.replace(transcript, chunks=(dataclasses.replace(chunk, status="failed", error=error),))


@given(st.recursive(ANYTHING, lambda inner: st.lists(inner, max_size=3)))
def test_embedded_json_holds_no_character_that_html_knows(value: object) -> None:
    text = encode_json(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_the_policy_lets_nothing_run_but_the_script_and_nothing_be_fetched_but_sound() -> None:
    seen = Seen(write(make_meeting()))
    rules = dict(rule.strip().split(" ", 1) for rule in seen.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == digest(seen.inside["script"][1])
    assert rules["style-src"] == digest(seen.inside["style"][0])
    assert "http" not in seen.policy
    addresses = [v for _, a in seen.elements for k, v in a.items() if k in ("src", "href", "action")]
    assert addresses == ["data:,"]


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_scripts_write_text_and_never_markup() -> None:
    scripts = "".join(p.read_text() for p in (PAGES / "scripts").glob("*.js"))
    assert "textContent" in scripts
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert word not in scripts


def test_what_a_run_took_and_when_it_ran_is_not_in_it() -> None:
    first = make_meeting("run-1")
    (chunk,) = first.chunks
    again = dataclasses.replace(
        first,
        run=dataclasses.replace(first.run, run_id="run-2", wall_s=99.0, processed_at="2031-01-01T00:00:00+00:00"),
        chunks=(dataclasses.replace(chunk, costs={}),),
    )
    assert write(again) == write(first)


def test_seams_and_failures_are_told() -> None:
    (chunk,) = make_meeting().chunks
    halves = [
        dataclasses.replace(chunk, core=Span(0.0, 30.0)),
        dataclasses.replace(
            chunk, index=1, core=Span(30.0, 60.0), seam_kept=7, seam_dropped=9, seam_redecoded_s=1.4, loops_removed=2
        ),
    ]
    transcript = dataclasses.replace(make_meeting(), chunks=tuple(halves))
    _, second = build_columns(transcript)["chunks"]
    assert {k: second[k] for k in ("from", "kept", "dropped", "redecoded", "loops")} == {
        "from": 30_000,
        "kept": 7,
        "dropped": 9,
        "redecoded": 1400,
        "loops": 2,
    }
    assert "1.4 s" in Seen(write(transcript)).text
    halves[1] = dataclasses.replace(halves[1], status="failed", error="no")
    failed = dataclasses.replace(transcript, chunks=tuple(halves))
    text = Seen(write(failed)).text
    assert "30 s could not be transcribed." in text
    assert "00:00:30 – 00:01:00: no" in text


def test_silence_and_a_transcript_without_speakers_have_a_page_too() -> None:
    assert build_columns(make_silence())["words"]["text"] == ""
    text = Seen(write(make_without_diarization())).text
    assert "Speakers were not told apart." in text
    assert build_columns(make_without_diarization())["rows"]["who"] == [-1, -1]


def test_words_of_no_segment_are_not_lost() -> None:
    transcript = make_without_diarization()
    alone = dataclasses.replace(transcript, segments=())
    rows = unfolded(build_columns(canonical(alone)))
    assert [word for *_, words in rows for word, *_ in words] == ["Good", "morning.", "Yes."]


def test_low_confidence_is_a_share_of_the_words_that_have_one() -> None:
    transcript = make_transcript([(0.0, "SPEAKER_00", list("abcd"))])
    words = tuple(
        dataclasses.replace(w, confidence=c) for w, c in zip(transcript.words, (0.2, 0.494, 0.9, None), strict=True)
    )
    figures = {
        name: (figure, why)
        for name, figure, why in build_quality_rows(dataclasses.replace(transcript, words=words), [])
    }
    assert figures["Low confidence"] == ("66.7 %", "2 of 3 words under 50 %")


def test_thirty_speakers_have_marks_of_their_own() -> None:
    marks = [choose_mark_classes(k, False) for k in range(4 * COLOURS)]
    assert len(set(marks)) == len(marks)
    assert choose_mark_classes(3, True) == "unknown"
    last = build_columns(make_meeting())["speakers"][-1]
    assert (last["label"], last["unknown"]) == (UNKNOWN, True)


def known(**facts: object) -> Transcript:
    """The meeting, whose first speaker is known by these facts."""
    transcript = make_meeting()
    first, *others = transcript.speakers
    return dataclasses.replace(transcript, speakers=(dataclasses.replace(first, **facts), *others))


def test_a_name_stands_before_its_label() -> None:
    seen = Seen(write(known(name=" Anna\n Berger ", voice_id="v3k", voice_similarity=0.8725)))
    assert "Anna Berger SPEAKER_00 0.87 alike" in seen.text
    assert seen.data["speakers"][0] == {
        "label": "SPEAKER_00",
        "unknown": False,
        "name": "Anna Berger",
        "voice": "v3k",
        "alike": 87,
        "maybe": None,
        "maybe_name": None,
    }
    assert (seen.data["recording_id"], seen.data["source_name"]) == ("meeting-0a1b2c3d", "meeting.flac")


def test_what_may_be_is_a_question() -> None:
    assert "SPEAKER_00perhaps Anna?" in Seen(write(known(maybe_voice_id="v3k", maybe_name="Anna"))).text
    assert "SPEAKER_00perhaps the voice v3k?" in Seen(write(known(maybe_voice_id="v3k"))).text
    assert "perhaps" not in Seen(write(known(name="Anna", voice_id="v3k"))).text.split("Quality")[0]


def test_unknown_has_no_name_and_no_voice() -> None:
    transcript = make_meeting()
    *others, unknown = transcript.speakers
    unknown = dataclasses.replace(unknown, name="Anna", voice_id="v1", maybe_voice_id="v2", maybe_name="Bert")
    last = build_columns(dataclasses.replace(transcript, speakers=(*others, unknown)))["speakers"][-1]
    assert {key for key, value in last.items() if value} == {"label", "unknown"}


@settings(max_examples=100, deadline=None)
@given(name=ANYTHING, maybe=ANYTHING, voice=ANYTHING)
def test_no_name_becomes_a_part_of_the_page(name: str, maybe: str, voice: str) -> None:
    honest = Seen(write(known(**dict.fromkeys(_held(name, maybe, voice), "x"))))
    seen = Seen(write(known(**_held(name, maybe, voice))))
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in honest.elements]
    assert seen.inside["script"][1] == honest.inside["script"][1]
    assert seen.data["speakers"][0]["name"] == (to_one_line(name) or None)


def _held(name: str, maybe: str, voice: str) -> dict[str, str]:
    """Those of the facts that show anything."""
    facts = {"name": name, "maybe_name": maybe, "maybe_voice_id": voice, "voice_id": voice}
    return {key: value for key, value in facts.items() if to_one_line(value)}


def test_a_similarity_is_told_as_the_tables_hold_it() -> None:
    import numpy as np

    similarity = 0.8749999999
    assert write(known(voice_similarity=similarity)) == write(known(voice_similarity=float(np.float32(similarity))))
    assert build_columns(known(voice_similarity=float("nan")))["speakers"][0]["alike"] is None


def test_light_and_dark_are_written_once() -> None:
    style = (PAGES / "report.css").read_text()
    assert "prefers-color-scheme" not in style
    before_print, printed = style.split("@media print")
    assert len(re.findall(r"^ *--paper:", before_print, re.MULTILINE)) == 1
    assert "color-scheme: light;" in printed


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/data/samples/talk #1.opus", "../../../samples/talk%20%231.opus"),
        ("/home/data/transcripts/exports/m/talk.opus", "./talk.opus"),
        ("/mnt/talk.opus", None),  # would tell the whole path
        ("/home/data/inbox/.claimed/0a1b/talk.opus", None),  # only passing through
        ("talk.opus", None),
        ("", None),
        ("/home/data/caf\udce9.wav", "../../../caf%E9.wav"),
    ],
)
def test_the_sound_is_named_by_the_way_from_the_report(path: str, found: str | None) -> None:
    part = Part("talk.opus", "00" * 32, 0.0, 60.0, path)
    transcript = relativize_paths(make_meeting(parts=(part,)), Path("/home/data/transcripts/exports/m"))
    assert build_columns(transcript)["parts"] == [{"name": "talk.opus", "start": 0, "end": 60_000, "src": found}]


def test_absolute_paths_do_not_leak() -> None:
    part = Part("talk.opus", "00" * 32, 0.0, 60.0, "/home/ana/private/talk.opus")
    transcript = make_meeting(parts=(part,), path="/home/ana/private/talk.opus")
    assert "/home/ana" not in write(transcript)
    assert "private" not in render(transcript, ["report"], folder=Path("/srv/exports/m"))["report.html"]
    assert "private" not in render(transcript)["report.html"]
    assert format_source_url("/etc/passwd") is None


def test_it_is_one_file_in_few_bytes_a_word() -> None:
    from tests.helpers.synthetic_day import make_synthetic_day

    few, many = (len(write(make_synthetic_day(n, hours=1)).encode()) for n in (1_000, 3_000))
    assert (many - few) / 2_000 < 20
    assert not re.search(r"https?://", write(make_meeting()))
