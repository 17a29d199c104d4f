"""A recording in several languages: each chunk has its own, the recording that of most of its speech."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flows.recording.assembly import list_languages, report_chunks
from flows.recording.chunk_result import ChunkResult
from flows.recording.languages import (
    Languages,
    combine_channels,
    describe_disagreement,
    find_main_language,
    list_disagreeing,
)
from tasks.contracts import LanguageFacts, PlaceFacts
from tasks.intervals import Span
from tasks.records import Chunk
from tasks.step import Meter
from tests.helpers.sample_transcripts import make_meeting


def make_place(start_s: float, end_s: float, language: str, confidence: float = 1.0) -> PlaceFacts:
    return {"start_s": start_s, "end_s": end_s, "language": language, "confidence": confidence}


def make_result(index: int, speech_s: float, language: str | None, **more: Any) -> ChunkResult:
    core = Span(600.0 * index, 600.0 * (index + 1))
    chunk = Chunk(index, core, core, (Span(core.start_s, core.start_s + speech_s),) if speech_s else ())
    facts = {"language": language, "num_words": 0, "loops_removed": 0, "silence_text_removed": 0, **more}
    return ChunkResult(chunk, manifests={"transcription": Meter().manifest(**facts)} if language else {})


def test_the_recordings_language_is_that_of_most_speech_and_its_share_the_confidence() -> None:
    done = [
        make_result(0, 100, "de"),
        make_result(1, 200, "en"),
        make_result(2, 100, "de"),
        make_result(3, 400, "fr"),
    ]
    assert find_main_language(done) == ("fr", 0.5)


def test_a_chunk_that_failed_has_the_recordings_language_and_no_vote() -> None:
    failed = make_result(1, 500, None)
    assert failed.get_language("en") == "en"
    assert find_main_language([make_result(0, 100, "de"), failed]) == ("de", 1.0)
    assert find_main_language([failed]) == (None, None)


def test_a_chunks_row_has_its_own_language() -> None:
    done = [make_result(0, 100, "de"), make_result(1, 100, "fr"), make_result(2, 0, None)]
    seams = Meter().manifest(seams=[], wordless=[])
    assert [r.language for r in report_chunks([w.chunk for w in done], done, "en", seams)] == ["de", "fr", None]


def test_a_chunk_has_the_language_of_its_channel_with_most_speech() -> None:
    done = [make_result(0, 100, "de"), make_result(0, 200, "fr")]
    (row,) = report_chunks([done[1].chunk], done, "en", Meter().manifest(seams=[], wordless=[]))
    assert row.language == "fr"


def test_the_confidence_is_the_share_of_speech_that_is_expected_to_be_in_the_language() -> None:
    done = [make_result(0, 300, "de", language_confidence=0.9), make_result(1, 100, "en", language_confidence=0.8)]
    assert find_main_language(done) == ("de", 0.675)


def test_stretches_count_one_by_one() -> None:
    stretches = [make_place(0, 100, "de", 0.9), make_place(100, 250, "en", 0.8), make_place(250, 300, "de", 0.9)]
    done = [make_result(0, 300, "de", language_confidence=0.45, languages=stretches)]
    language, confidence = find_main_language(done)
    assert (language, confidence) == ("de", pytest.approx(0.45))


def test_each_channel_has_its_own_language_and_the_recording_that_of_most_speech() -> None:
    german: LanguageFacts = {"language": "de", "confidence": 0.9, "disagreeing": [make_place(3, 9, "fr")]}
    english: LanguageFacts = {"language": "en", "confidence": 0.8, "disagreeing": []}
    found = combine_channels({0: german, 1: english}, {0: 10.0, 1: 30.0, 2: 0.0})
    assert found.by_channel == {0: "de", 1: "en", 2: "en"}
    assert (found.language, found.confidence) == ("en", pytest.approx(0.6))
    assert found.disagreeing == (make_place(3, 9, "fr"),)


def test_a_channel_with_an_uncertain_language_has_the_recordings() -> None:
    short: LanguageFacts = {"language": "ar", "confidence": 0.4, "disagreeing": [make_place(1, 2, "en")]}
    english: LanguageFacts = {"language": "en", "confidence": 0.9, "disagreeing": []}
    found = combine_channels({0: english, 1: short}, {0: 60.0, 1: 2.0})
    assert found.by_channel == {0: "en", 1: "en"}
    assert found.disagreeing == ()


@pytest.mark.parametrize(
    ("likely", "speech_s", "own"),
    [
        ([("fr", 0.19), ("br", 0.04), ("de", 0.01)], 8.0, "fr"),
        ([("fr", 0.19), ("br", 0.04)], 8.0, "fr"),
        ([("fr", 0.19), ("de", 0.1)], 8.0, "de"),  # as likely, nearly
        ([("fr", 0.19), ("br", 0.04)], 2.0, "de"),  # too short to tell
        ([("nn", 0.06), ("km", 0.05)], 8.0, "de"),  # noise
    ],
)
def test_a_channel_in_which_the_recordings_language_is_far_less_likely_has_its_own(
    likely: list[tuple[str, float]], speech_s: float, own: str
) -> None:
    unsure: LanguageFacts = {
        "language": likely[0][0], "confidence": likely[0][1], "disagreeing": [], "likely": likely
    }  # fmt: skip
    german: LanguageFacts = {"language": "de", "confidence": 0.9, "disagreeing": []}
    found = combine_channels({0: unsure, 1: german}, {0: speech_s, 1: 20.0})
    assert (found.language, found.by_channel) == ("de", {0: own, 1: "de"})


def test_without_speech_there_is_no_language() -> None:
    assert combine_channels({}, {None: 0.0}) == Languages(None, None, {None: None})


def test_speech_is_decoded_again_in_the_language_of_the_stretch_beside_it() -> None:
    stretches = [make_place(0, 100, "de"), make_place(120, 300, "en")]
    result = make_result(0, 300, "en", languages=stretches)
    assert result.get_language("fr") == "en"
    assert result.get_language("fr", Span(90, 94)) == "de"
    assert result.get_language("fr", Span(101, 103)) == "de"
    assert result.get_language("fr", Span(118, 119)) == "en"
    assert make_result(0, 300, "de").get_language("fr", Span(1, 2)) == "de"


def test_places_that_disagree_are_told_in_one_line_with_the_setting() -> None:
    found = Languages("en", 0.6, {None: "en"}, (make_place(61, 91, "fr"), make_place(2, 12, "de")))
    line = describe_disagreement("switch.wav", found)
    assert line.startswith(
        "switch.wav: places of the recording disagree about the language: German (de) at 00:00:02,"
    )
    assert "French (fr) at 00:01:01; it is transcribed as English (en)." in line
    assert line.endswith("transcription.language = per-segment and transcription.languages = de,en,fr")
    assert "\n" not in line


def test_many_places_are_counted() -> None:
    found = Languages("en", 0.6, {None: "en"}, tuple(make_place(60.0 * i, 60.0 * i + 30, "de") for i in range(5)))
    assert "German (de) at 00:02:00, 2 more; it" in describe_disagreement("a.wav", found)


def test_chunks_tell_the_places_that_differ_from_them() -> None:
    done = [make_result(0, 10, "de", disagreeing=[make_place(3, 9, "en")]), make_result(1, 10, "de")]
    assert list_disagreeing(done) == (make_place(3, 9, "en"),)


def test_the_languages_of_a_recording_are_those_of_its_words() -> None:
    transcript = make_meeting()
    assert list_languages(transcript) == []
    first, *rest = (replace(word, language="de") for word in transcript.words)
    assert list_languages(replace(transcript, words=(first, *rest))) == ["de"]
    assert list_languages(replace(transcript, words=(replace(first, language="en"), *rest))) == ["de", "en"]
