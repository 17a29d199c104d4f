"""The check: each rule by a file that breaks it, anybody's files read, and our own exports without a fault."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings

from tasks.errors import UsageError
from tasks.exports import EXPORTS
from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, read_style
from tasks.exports.subtitles.profile import BBC, NETFLIX, PLAIN, SOCIAL
from tasks.exports.subtitles.read import read_cues
from tasks.exports.subtitles.rules import RULES, find_broken
from tasks.exports.subtitles.syntax import guess_language, rate_break
from tasks.records import Transcript
from tasks.settings.schema import SubtitleSettings
from tests.helpers.sample_transcripts import make_meeting, make_run, make_transcript, transcripts


def cue(start_ms: int, end_ms: int, *lines: str) -> Cue:
    return Cue(start_ms, end_ms, None, lines)


def broken(*cues: Cue, language: str | None = "en") -> list[str]:
    return [one.rule for one in find_broken(cues, NETFLIX, language)]


GOOD = cue(0, 2000, "We went up the hill.")


@pytest.mark.parametrize(
    ("cues", "rule"),
    [
        ([cue(0, 5000, "x" * 43)], "columns"),
        ([cue(0, 5000, "a", "b", "c")], "lines"),
        ([cue(0, 1000, "x" * 21)], "speed"),
        ([cue(0, 800, "Yes.")], "short"),
        ([cue(0, 7002, "Yes.")], "long"),
        ([GOOD, cue(2040, 4000, "Yes.")], "gap"),
        ([GOOD, cue(2400, 4000, "Yes.")], "open gap"),
        ([GOOD, cue(1500, 4000, "Yes.")], "overlap"),
        ([cue(0, 2000)], "empty"),
        ([cue(2000, 1000, "Yes.")], "order"),
        ([cue(5000, 7000, "Yes."), cue(1000, 3000, "No.")], "order"),
    ],
)
def test_each_rule_is_found_where_it_alone_is_broken(cues: list[Cue], rule: str) -> None:
    assert broken(*cues) == [rule]
    assert rule in RULES


def test_cues_that_keep_the_rules_have_no_finding() -> None:
    assert broken(GOOD, cue(2084, 4000, "Then it rained.", "And rained."), cue(4500, 6000, "Yes.")) == []


@pytest.mark.parametrize(
    ("text", "language", "rules"),
    [
        ("今" * 16, "zh", []),
        ("今" * 17, "zh", ["columns"]),
        ("の" * 13, "ja", []),
        ("の" * 14, "ja", ["columns"]),
        ("안" * 16, "ko", []),
        ("안" * 17, None, ["columns"]),
        ("今" * 14, "ja", ["columns"]),
        ("今" * 17, "en", ["columns"]),
        ("e\u0301" * 42, "fr", []),
        ("\u2068" + "ש" * 42 + "\u2069", "he", []),
    ],
)
def test_columns_are_counted_as_they_are_shown_by_language(text: str, language: str, rules: list[str]) -> None:
    assert broken(cue(0, 7000, text), language=language) == rules


def test_reading_speed_is_by_language_and_of_the_bbc_by_words() -> None:
    text = cue(0, 2000, "x" * 38)
    assert broken(text) == []
    assert broken(text, language="de") == ["speed"]
    (found,) = find_broken([text], NETFLIX, "de")
    assert found.message == "19.0 characters a second, at most 17"
    (found,) = find_broken([cue(0, 2000, "one two three four five six seven")], BBC, "en")
    assert found.message == "210 words a minute, at most 180"
    (found,) = find_broken([cue(0, 2000, "実在の判断的知識が")], NETFLIX, "ja")
    assert found.message == "4.5 full-width characters a second, at most 4"


SRT = """1\n00:00:01,000 --> 00:00:03,000\n<i>{\\an8}We went</i>\n  up the hill. \n
2\n00:00:03,100 --> 00:00:05,000 X1:0\nAT&T &lt; 3\n"""
VTT = """WEBVTT - a title\n\nNOTE nothing\n\nid\n00:01.000 --> 00:03.000 line:0\n<v Ana>We <c.x>went</c>
up the hill.</v>\n\n1:00:03.100 --> 1:00:05.000\nAT&amp;T\n"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_anybodys_srt_is_read_without_its_markup(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(SRT.replace("\n", "\r\n").encode(encoding))
    assert read_cues(path) == [cue(1000, 3000, "We went", "up the hill."), cue(3100, 5000, "AT&T &lt; 3")]


def test_so_is_webvtt(tmp_path: Path) -> None:
    path = tmp_path / "film.txt"
    path.write_text(VTT)
    assert read_cues(path) == [cue(1000, 3000, "We went", "up the hill."), cue(3_603_100, 3_605_000, "AT&T")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no cues"),
        (b"\x89PNG\0\0", "not a text file"),
        (b"# Title\n\ntext\n", "not SRT"),
        (b"WEBVTT\n\n", "no cues"),
    ],
)
def test_other_files_are_refused_in_a_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message) as caught:
        read_cues(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=20, deadline=None)
@given(transcripts())
def test_our_exports_break_no_rule_of_form(tmp_path_factory: pytest.TempPathFactory, transcript: Transcript) -> None:
    path = tmp_path_factory.mktemp("own") / "transcript.srt"
    for profile in (NETFLIX, SOCIAL):
        text = EXPORTS["srt"].write(transcript, SubtitleStyle(profile))
        if not text:
            continue
        path.write_text(text)
        own = build_subtitles(transcript, SubtitleStyle(profile))
        if len(own) != text.count(" --> ") or any(not any(c.isalnum() for c in "".join(o.lines)) for o in own):
            continue  # text that other programs take for no text
        rules = {one.rule for one in find_broken(read_cues(path), profile, "en")}
        assert not rules & {"lines", "overlap", "long", "order"}


def test_the_profile_of_the_run_is_the_one_of_its_exports_and_plain_is_what_it_was() -> None:
    netflix = make_run(settings={"subtitles": {"profile": "netflix", "columns": 30}})
    transcript = make_meeting()
    told = dataclasses.replace(transcript, run=netflix)
    style = read_style(SubtitleSettings(profile="netflix", columns=30))
    assert EXPORTS["srt"].write(told) == EXPORTS["srt"].write(transcript, style)
    assert EXPORTS["srt"].write(transcript) == EXPORTS["srt"].write(transcript, SubtitleStyle(PLAIN))
    assert EXPORTS["srt"].write(told) != EXPORTS["srt"].write(transcript)


def test_fast_shares_a_segments_time_out_by_length_and_keeps_the_text() -> None:
    transcript = make_transcript([(0.0, None, ["a", "extraordinarily", "longer", "word."])], word_s=2.0)
    accurate, fast = (
        build_subtitles(transcript, SubtitleStyle(SOCIAL.change({"columns": 10}), fast=fast))
        for fast in (False, True)
    )
    assert [c.lines for c in fast] == [c.lines for c in accurate]
    assert [c.start_ms for c in accurate] == [0, 2000, 4000, 6000]
    assert [c.start_ms for c in fast] == [0, 296, 4740, 6518]


def test_text_without_words_and_of_a_script_without_blanks_is_cut_to_lines() -> None:
    transcript = make_transcript([(0.0, None, ["今日はとても良い天気ですね散歩に行きましょうか" * 3])], word_s=30.0)
    cues = build_subtitles(dataclasses.replace(transcript, words=()), SubtitleStyle(NETFLIX))
    assert "".join(line for c in cues for line in c.lines) == transcript.segments[0].text
    assert not find_broken(cues, NETFLIX, "ja")


def test_two_who_speak_at_once_are_lines_of_a_cue_or_cues_side_by_side() -> None:
    transcript = make_transcript(
        [(1.0, "SPEAKER_00", ["I", "told", "you", "so."]), (1.4, "SPEAKER_01", ["Yes,", "yes."])], word_s=0.5
    )
    (both,) = build_subtitles(transcript, SubtitleStyle(NETFLIX))
    assert (both.lines, both.speakers) == (("I told you so.", "Yes, yes."), ("SPEAKER_00", "SPEAKER_01"))
    apart = SubtitleStyle(NETFLIX.change({"overlaps": "apart"}))
    one, other = build_subtitles(transcript, apart)
    assert one.start_ms < other.start_ms < one.end_ms
    vtt = EXPORTS["vtt"].write(transcript, apart)
    assert "position:5% align:left" in vtt
    assert "position:95% align:right" in vtt
    assert "<v SPEAKER_00>- I told you so.</v>\n<v SPEAKER_01>- Yes, yes.</v>" in EXPORTS["vtt"].write(
        transcript, SubtitleStyle(NETFLIX)
    )


def test_names_and_languages_of_breaks() -> None:
    assert rate_break("Dr.", " Smith", "en") < 0
    assert rate_break("das", " Haus", "de") < rate_break("ging", " nach", "de") < rate_break("ging", " und", "de")
    texts = {
        "de": "Wir gingen nach Hause und der Hund war da",
        "fr": "Nous sommes rentrés et le chien est dans la maison",
        "ja": "今日は良い天気です",
        "ru": "Мы пошли домой",
    }
    assert {code: guess_language([text]) for code, text in texts.items()} == {code: code for code in texts}
