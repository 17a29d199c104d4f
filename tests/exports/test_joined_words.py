"""The text of the engine, in every export: blanks where it has them, and right-to-left text beside labels."""

from __future__ import annotations

import dataclasses
import html
import json

import pytest
import webvtt

from tasks.exports import render
from tasks.exports.cues import build_cues
from tasks.exports.text import FSI, PDI, label_line
from tasks.intervals import Span
from tasks.joining import join_words
from tasks.merging.segments import build_segments
from tasks.records import Speaker, Transcript
from tasks.transcription.words import clean_words
from tests.helpers.sample_transcripts import make_recording_row, make_transcript
from tests.helpers.sample_words import make_word

TEXTS = {
    "numbers": [" It", " rose", " by", " 3", ".5", "%", " to", " $", "1", ",250", ".", " www", ".x", ".com"],
    "names": [" AT", "&T", ",", " Marks", " &", " Spencer", ":", " 20", " °", "C", " –", " 5", " €", "."],
    "French": [" Qu", "'est", "-ce", " que", " l", "'an", " ?", " Il", " dit", " «", " Bonjour", " !", " »", "."],
    "German": [" Er", " sagt", " „", "Ja", ".“", " –", " Nein", "!"],
    "Spanish": [" ¿", "Qué", " tal", "?", " ¡", "Bien", "!"],
    "Chinese": ["今天", "天气", "，", "我", "用", " Python", " 写", "3", ".", "5", "%", "的", "「", "书", "」。"],
    "Japanese": ["東京", "は", "晴れ", "でした", "。", "「", "はい", "」", "。"],
    "Thai": ["ส", "วั", "ส", "ด", "ี", " ", "ค", "รั", "บ"],
    "Hindi": [" नमस्ते", " दुनिया", "।", " कैसे", " हो", "?"],
    "Arabic": [" مرحبا", "،", " كيف", " حالك", "؟"],
    "Korean": [" 안녕", "하세요", " 여러분", "."],
}


def transcribed(pieces: list[str], speaker: str | None = "SPEAKER_00", name: str | None = None) -> Transcript:
    """A transcript of one segment, decoded from pieces of the engine's shape, 0.3 s each."""
    raw = [
        {"word": p, "start": k * 0.3, "end": k * 0.3 + 0.3, "probability": 0.9, "stretch": 0}
        for k, p in enumerate(pieces)
    ]
    span = Span(0.0, 0.3 * len(pieces))
    decoded = [
        make_word(w.start_s, w.end_s, w.text, w.confidence, speaker, space_before=w.space_before)
        for w in clean_words(raw, [span], span)
    ]
    words, segments = build_segments(decoded)
    base = make_transcript([(0.0, speaker, ["x"])], of=make_recording_row(duration_s=60.0))
    speakers: tuple[Speaker, ...] = tuple(dataclasses.replace(s, name=name) for s in base.speakers)
    return dataclasses.replace(base, words=words, segments=segments, speakers=speakers)


def squeeze(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("pieces", TEXTS.values(), ids=TEXTS)
def test_every_export_has_the_text_of_the_engine(pieces: list[str]) -> None:
    transcript = transcribed(pieces, None)
    text = "".join(pieces).strip()
    files = render(transcript)
    assert files["transcript.txt"] == f"[00:00:00] {text}\n"
    for cues in (files["transcript.srt"], files["transcript.vtt"]):
        lines = [line for line in html.unescape(cues).splitlines()[1:] if line and "-->" not in line and line != "1"]
        assert squeeze("".join(line for line in lines if not line.isdecimal())) == squeeze(text)
    (segment,) = json.loads(files["transcript.json"])["segments"]
    assert segment["text"] == text
    joined = "".join(" " * w.get("space_before", True) + w["word"] for w in segment["words"])
    assert joined.strip() == text
    assert json.loads(files["transcript.seglst.json"])[0]["words"] == text
    assert squeeze("".join(line.split()[4] for line in files["transcript.ctm"].splitlines())) == squeeze(text)
    assert "_" not in files["transcript.ctm"]


@pytest.mark.parametrize("pieces", TEXTS.values(), ids=TEXTS)
def test_lines_of_subtitles_hold_the_text_with_its_blanks(pieces: list[str]) -> None:
    transcript = transcribed(pieces)
    lines = [line for cue in build_cues(transcript) for line in cue.lines]
    whole = "".join(pieces).strip()
    for line in lines:
        assert line in whole
        whole = whole[whole.index(line) + len(line) :]


def test_words_that_are_not_in_their_segments_text_join_as_they_say() -> None:
    transcript = transcribed(TEXTS["Chinese"])
    corrected = dataclasses.replace(transcript.segments[0], text="something else")
    (cue,) = build_cues(dataclasses.replace(transcript, segments=(corrected,)))
    assert "".join(cue.lines).replace(" ", "") == join_words(transcript.words).replace(" ", "")
    assert "我用 Python 写" in "".join(cue.lines)


def test_long_text_of_a_script_without_blanks_breaks_into_lines() -> None:
    transcript = transcribed(["สวัสดี"] * 20)
    assert all(len(line) <= 60 for cue in build_cues(transcript) for line in cue.lines)


ARABIC, HEBREW = TEXTS["Arabic"], [" שלום", ",", " מה", " שלומך", "?"]


@pytest.mark.parametrize("pieces", [ARABIC, HEBREW, [" 12", *HEBREW], [' "', *HEBREW]])
@pytest.mark.parametrize("name", [None, "Ana", "12 Ana"])
def test_a_latin_label_does_not_turn_text_that_runs_from_right_to_left(pieces: list[str], name: str | None) -> None:
    files = render(transcribed(pieces, name=name), ["srt", "txt", "vtt", "md"])
    text, label = "".join(pieces).strip(), name or "SPEAKER_00"
    line = f"{FSI}{label}{PDI}: {FSI}{text}{PDI}"
    assert files["transcript.txt"] == f"[00:00:00] {line}\n"
    assert line in files["transcript.srt"].splitlines()
    assert f"** `00:00:00` {FSI}{text}{PDI}\n" in files["transcript.md"]
    (caption,) = webvtt.from_string(files["transcript.vtt"])
    assert (caption.voice, caption.text) == (label, text)


@pytest.mark.parametrize("pieces", [TEXTS["numbers"], TEXTS["Chinese"], TEXTS["Hindi"], [" C", "'est", *HEBREW]])
def test_other_text_needs_no_isolates(pieces: list[str]) -> None:
    assert not {FSI, PDI} & set("".join(render(transcribed(pieces), ["srt", "txt", "vtt"]).values()))


def test_a_name_that_runs_from_right_to_left_does_not_turn_latin_text() -> None:
    assert label_line("דנה", "Good morning.") == f"{FSI}דנה{PDI}: {FSI}Good morning.{PDI}"
