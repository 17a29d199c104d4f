"""Transcripts in another language: whole, in order, and timed by the source's words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.canonical import canonical
from tasks.errors import UsageError
from tasks.exports import ALL_EXPORTS, render, render_translations
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles
from tasks.exports.subtitles.profile import PROFILES
from tasks.exports.translated import cut_into_words, read_translated, time_words
from tasks.records import Segment, Transcript, Translation, Word
from tasks.text import to_one_line
from tests.helpers.sample_transcripts import make_transcript


def speak(*words: tuple[float, float, str]) -> tuple[Segment, list[Word]]:
    text = " ".join(w for _, _, w in words)
    segment = Segment(0, words[0][0], words[-1][1], text, len(words), "SPEAKER_00")
    return segment, [Word(a, b, w, chunk=0, channel=0, segment=0) for a, b, w in words]


def test_a_word_has_the_time_in_which_its_share_of_the_source_was_said() -> None:
    segment, words = speak((10.0, 11.0, "Good"), (11.0, 13.0, "day."))
    found = time_words(segment, words, "Guten Tag.", "de")
    assert [(w.text, round(w.start_s, 2), round(w.end_s, 2)) for w in found] == [
        ("Guten", 10.0, 11.22),
        ("Tag.", 11.22, 13.0),
    ]
    assert {(w.language, w.times, w.speaker, w.segment) for w in found} == {("de", "fast", "SPEAKER_00", 0)}


def test_sentences_keep_their_times_and_pauses_stay() -> None:
    segment, words = speak((0.0, 1.0, "Yes."), (20.0, 21.0, "And"), (21.0, 22.0, "you?"))
    found = time_words(segment, words, "Aber ja doch, natürlich. Und du?", "de")
    assert [(w.start_s, w.end_s) for w in found if w.text in ("natürlich.", "Und")] == [
        (pytest.approx(11 / 21), 1.0),
        (20.0, 21.125),
    ]


texts = st.text("ab.?!« »、。東京ก 12\n", min_size=0, max_size=60)
gaps = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0, 2), st.sampled_from(("Yes.", "well,", "3.5%", "東京。", "a")))
)


@settings(max_examples=60, deadline=None)
@given(gaps.filter(bool), texts.filter(lambda text: to_one_line(text) != ""))
def test_every_word_is_there_in_order_within_its_segment(said: list[tuple[float, float, str]], text: str) -> None:
    at, spoken = 0.0, []
    for gap, length, word in said:
        spoken.append((at + gap, at + gap + length, word))
        at += gap + length
    segment, words = speak(*spoken)
    found = time_words(segment, words, text, "ja")
    joined = "".join(" " * (w.space_before and i > 0) + w.text for i, w in enumerate(found))
    assert joined == to_one_line(text)
    assert [t.text for t in cut_into_words(to_one_line(text))] == [w.text for w in found]
    times = [w.start_s for w in found]
    assert times == sorted(times)
    assert all(segment.start_s <= w.start_s <= w.end_s <= segment.end_s for w in found)


def make_talk(*statuses: str) -> Transcript:
    talk = canonical(make_transcript([(1.0, "SPEAKER_00", ["Good", "day,", "all."]), (9.0, "SPEAKER_01", ["No!"])]))
    texts = ("Guten Tag, alle.", "Nein!")
    rows = [Translation(i, "de", texts[i], status) for i, status in enumerate(statuses)]  # type: ignore[arg-type]
    return replace(talk, translations=tuple(rows))


def test_every_format_is_written_in_the_language() -> None:
    talk = make_talk("translated", "translated")
    forms = [
        name for name, export in ALL_EXPORTS.items() if export.translates and name not in ("ass", "ttml", "docx")
    ]
    files = render(talk, forms, language="de")
    assert set(files) == {
        "transcript.de.srt", "transcript.de.vtt", "transcript.de.txt", "transcript.de.json", "report.de.html",
        "transcript.de.md", "transcript.de.csv", "transcript.de.lrc",
    }  # fmt: skip
    assert all("Guten" in str(text) and "Good" not in str(text) for text in files.values())
    parsed = json.loads(files["transcript.de.json"])
    assert parsed["language"] == "de"
    assert [s["start"] for s in parsed["segments"]] == [1.0, 9.0]
    assert (
        render(talk, ["srt"])["transcript.srt"] == render(replace(talk, translations=()), ["srt"])["transcript.srt"]
    )


def test_what_is_not_translated_is_as_it_was_said() -> None:
    found = read_translated(make_talk("untranslated", "translated"), "de")
    assert [s.text for s in found.segments] == ["Good day, all.", "Nein!"]
    assert [w.language for w in found.words][:3] == [w.language for w in make_talk("untranslated").words][:3]
    kept = read_translated(make_talk("translated"), "de")
    assert [s.text for s in kept.segments] == ["Guten Tag, alle.", "No!"]


def test_a_language_without_a_translation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no translation to French \(fr\); there is German \(de\)\. .*--to fr"):
        read_translated(make_talk("translated"), "fr")
    with pytest.raises(UsageError, match="there is none in any language"):
        read_translated(make_talk(), "fr")
    assert read_translated(make_talk("translated"), "en").segments[0].text == "Good day, all."


def test_reports_lead_to_each_other() -> None:
    talk = make_talk("translated", "translated")
    spoken, german = (
        render(talk, ["report"])["report.html"],
        render(talk, ["report"], language="de")["report.de.html"],
    )
    assert '<a href="report.de.html" hreflang="de">German</a>' in str(spoken)
    assert '<a href="report.html"' in str(german)
    assert 'href="report.de.html"' not in str(german)
    assert "report.html" not in str(render(make_talk(), ["report"])["report.html"])


def test_languages_have_the_runs_formats_and_those_that_were_exported(tmp_path) -> None:  # type: ignore[no-untyped-def]
    talk = make_talk("translated")
    talk = replace(talk, run=replace(talk.run, settings={"exports": {"formats": ["srt", "rttm"]}}))
    assert set(render_translations(talk, folder=tmp_path)) == {"transcript.de.srt"}
    (tmp_path / "transcript.de.csv").touch()
    assert set(render_translations(talk, folder=tmp_path)) == {"transcript.de.srt", "transcript.de.csv"}
    assert (
        render_translations(talk, ["de"], folder=tmp_path).keys() == render_translations(talk, folder=tmp_path).keys()
    )


@pytest.mark.parametrize("profile", ["netflix", "bbc", "social", "plain"])
def test_cues_follow_the_languages_rules(profile: str) -> None:
    said = "We will meet at noon in the school, and then we will walk home together through the park."
    talk = canonical(make_transcript([(2.0, "SPEAKER_00", said.split())]))
    text = "我们中午在学校见面，然后一起穿过公园步行回家。"
    talk = replace(talk, translations=(Translation(0, "zh", text, "translated"),))
    cues = build_subtitles(read_translated(talk, "zh"), SubtitleStyle(PROFILES[profile]))
    assert "".join("".join(cue.lines) for cue in cues) == text
    assert cues[0].start_ms >= 1_800
    assert cues[-1].start_ms < 9_200


def test_lines_do_not_end_with_the_day_of_a_date() -> None:
    from tasks.exports.subtitles.syntax import BOUND, SENTENCE, rate_break

    assert rate_break("9.", " Oktober", "de") == rate_break(" 9.", " Oktober", "de") == BOUND
    assert rate_break(" 9.", " October", "en") == rate_break("1984.", " Dann", "de") == SENTENCE
