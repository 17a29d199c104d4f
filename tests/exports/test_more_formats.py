"""ASS, TTML, DOCX, Markdown, CSV, LRC and templates: each read back by a program that others wrote."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import io
import re
import typing
from pathlib import Path

import markdown_it
import pandas as pd
import pytest
from hypothesis import given, settings

from tasks.errors import UsageError
from tasks.exports import (
    ALL_EXPORTS,
    EXPORTS,
    MORE_EXPORTS,
    check_formats,
    extras,
    formats_of,
    list_renewable,
    render,
)
from tasks.exports import template as templates
from tasks.exports.csv_table import disarm
from tasks.exports.paragraphs import list_paragraphs
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import NETFLIX
from tasks.records import Transcript
from tasks.settings.load import load
from tasks.settings.schema import ExportFormat, Settings
from tests.helpers.sample_transcripts import make_meeting, make_run, make_silence, make_transcript, transcripts

STYLE = SubtitleStyle(NETFLIX)
TALK = [(1.0, "SPEAKER_00", ["Really?"]), (1.5, "SPEAKER_01", ["Yes", "{\\an8}", "<b>&amp;</b>", "-->", "[x]."])]


@pytest.fixture
def pysubs2() -> typing.Any:
    return pytest.importorskip("pysubs2", reason="pysubs2 is not installed (pip install daylong[subtitles])")


def test_ass_has_a_style_and_a_colour_for_each_speaker(pysubs2: typing.Any) -> None:
    text = render(make_transcript(TALK), ["ass"], style=STYLE)["transcript.ass"]
    read = pysubs2.SSAFile.from_string(text)
    assert [(e.start, e.end, e.style, e.name, e.plaintext) for e in read.events] == [
        (920, 3500, "SPEAKER_01", "SPEAKER_01", "- Yes (/an8) <b>&amp;</b> --> [x]."),  # stacked from the bottom up
        (920, 3500, "SPEAKER_00", "SPEAKER_00", "- Really?"),
    ]
    colours = {str(read.styles[e.style].primarycolor) for e in read.events}
    assert len(colours) == 2


@settings(max_examples=15, deadline=None)
@given(transcripts())
def test_ass_of_any_text_has_its_cues(transcript: Transcript) -> None:
    pysubs2 = pytest.importorskip("pysubs2", reason="pysubs2 is not installed (pip install daylong[subtitles])")
    if transcript.recording.duration_s >= 100 * 3600:
        return  # pysubs2 reads hours of two digits
    read = pysubs2.SSAFile.from_string(render(transcript, ["ass"], style=STYLE)["transcript.ass"])
    cues = build_subtitles(transcript, STYLE)
    assert all(min(abs(e.start - c.start_ms) for c in cues) <= 5 for e in read.events)
    assert len(read.events) == sum(len(set(c.speakers)) or 1 for c in cues)


def test_ttml_is_read_by_ttconv_with_times_lines_and_colours() -> None:
    pytest.importorskip("ttconv", reason="ttconv is not installed (pip install daylong[subtitles])")
    import xml.etree.ElementTree as et

    import ttconv.imsc.reader as reader
    from ttconv import model

    transcript = make_transcript([*TALK, (6.0, "SPEAKER_00", ["שלום", "\x0b\ufffe]]>"])])
    text = render(transcript, ["ttml"], style=STYLE)["transcript.ttml"]
    document = reader.to_model(et.ElementTree(et.fromstring(text)))
    paragraphs = [e for e in document.get_body().dfs_iterator() if isinstance(e, model.P)]
    expected = build_subtitles(transcript, STYLE)
    assert [(p.get_begin() * 1000, p.get_end() * 1000) for p in paragraphs] == [
        (c.start_ms, c.end_ms) for c in expected
    ]
    shown = [[t.get_text() for t in p.dfs_iterator() if isinstance(t, model.Text)] for p in paragraphs]
    assert shown == [
        [line.replace("\ufffe", "") for line in list_shown_lines(c, NETFLIX, isolate=True)] for c in expected
    ]
    assert text.count("<br") == sum(len(lines) - 1 for lines in shown)


def test_docx_is_read_by_python_docx_and_equal_transcripts_give_equal_bytes() -> None:
    docx = pytest.importorskip("docx", reason="python-docx is not installed (pip install daylong[subtitles])")
    written = render(make_meeting(), ["docx"])["transcript.docx"]
    assert written == render(make_meeting(), ["docx"])["transcript.docx"]
    document = docx.Document(io.BytesIO(written))
    texts = [p.text for p in document.paragraphs]
    assert texts[0] == "meeting.flac"
    assert "00:00:01 SPEAKER_00: Good morning, everybody." in texts
    assert len(texts) == 2 + len(list_paragraphs(make_meeting()))


@settings(max_examples=20, deadline=None)
@given(transcripts())
def test_csv_is_read_by_pandas_with_every_segment_and_no_formula(transcript: Transcript) -> None:
    text = render(transcript, ["csv"])["transcript.csv"]
    assert isinstance(text, str)
    table = pd.read_csv(io.BytesIO(text.encode()), dtype=str, keep_default_na=False, na_filter=False)
    expected = list_paragraphs(transcript)
    assert list(table.columns) == ["start", "end", "speaker", "text"]
    assert [t.removeprefix("'") for t in table.text] == [p.text.removeprefix("'") for p in expected]
    assert not any(
        re.match(r"\s*[=+\-@|%＝＋－＠]", cell) for column in ("speaker", "text") for cell in table[column]
    )
    assert [r["text"] for r in csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))] == list(table.text)


@pytest.mark.parametrize(
    "cell",
    ['=HYPERLINK("http://x","y")', "+1", "-1+2", "@SUM(A1)", " =1", "\u00a0=1", "＝1+1", '"=1"', "%cmd", "|calc"],
)
def test_what_a_spreadsheet_would_compute_is_text(cell: str) -> None:
    assert disarm(cell) == "'" + cell


@settings(max_examples=20, deadline=None)
@given(transcripts())
def test_markdown_is_text_alone_to_a_reader_of_commonmark(transcript: Transcript) -> None:
    text = render(transcript, ["md"])["transcript.md"]
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = {t.type for t in tokens}
    assert kinds <= {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"}
    inline = [t for t in tokens if t.type == "inline"]
    allowed = {"text", "text_special", "strong_open", "strong_close", "code_inline"}
    assert {c.type for t in inline for c in t.children or ()} <= allowed
    said = ["".join(c.content for c in t.children or () if c.type != "code_inline") for t in inline[2:]]
    expected = list_paragraphs(transcript)
    assert [s.rpartition(p.text)[1] for s, p in zip(said, expected, strict=True)] == [p.text for p in expected]


def test_lrc_is_read_by_pylrc() -> None:
    pylrc = pytest.importorskip("pylrc", reason="pylrc is not installed (pip install pylrc)")
    transcript = make_transcript([*TALK, (3700.0, None, ["Late."])])
    read = pylrc.parse(render(transcript, ["lrc"], style=STYLE)["transcript.lrc"])
    assert (round(read[0].time, 2), read[0].text) == (
        0.91,
        "- Really? - Yes {\\an8} ‹b›&amp;‹/b› --› (x).",
    )
    assert read.title == "meeting.flac"


def test_a_users_own_template_is_given_segments_speakers_and_cues() -> None:
    line = "{{ s.start_s | clock }} {{ s.speaker }}: {{ s.text }} ({{ s.words | length }})\n"
    text = "{% for s in segments %}\n" + line + "{% endfor %}\n"
    out = templates.write(make_meeting(), text + "{{ cues[0].start_s | srt_time }}\n", "minutes.txt.j2", STYLE)
    assert out.startswith("00:00:01 SPEAKER_00: Good morning, everybody. (3)\n")
    assert out.endswith("00:00:00,917\n")
    page = templates.write(make_transcript([(0.0, None, ["<b>"])]), "{{ segments[0].text }}", "a.html.j2")
    assert page == "&lt;b&gt;"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("\n{{ ''.__class__.__mro__ }}", "a.j2, line 2: access to attribute '__class__'"),
        ("{% for %}", "a.j2, line 1"),
        ("\n\n{{ segments[0].nothing }}", "a.j2, line 3: .*no attribute 'nothing'"),
        ("{{ 1 / 0 }}", "a.j2, line 1: division by zero"),
        ("{% include '/etc/passwd' %}", "a.j2, line 1"),
        ("{{ segments.append(1) }}", "a.j2, line 1: .*append"),
        ("{{ 'x' * 10 ** 12 }}", "a.j2"),
    ],
)
def test_a_template_reaches_nothing_else_and_its_faults_are_a_line(template: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        templates.write(make_meeting(), template, "a.j2")


def test_formats_are_those_of_the_settings_and_the_default_writes_what_it_wrote() -> None:
    assert set(typing.get_args(ExportFormat)) == set(ALL_EXPORTS)
    assert not set(EXPORTS) & set(MORE_EXPORTS)
    told = dataclasses.replace(make_silence(), run=make_run(settings={"exports": {"formats": ["csv", "srt"]}}))
    assert formats_of(make_silence()) == tuple(EXPORTS)
    assert list(render(told)) == ["transcript.csv", "transcript.srt"]


def test_settings_left_alone_change_no_digest_and_others_do() -> None:
    def digest(*assignments: str) -> str:
        return load(assignments=assignments, environment={}, folder=Path("/nonexistent")).digest()

    facts = Settings().result_facts()
    assert "subtitles" not in facts
    assert "exports" not in facts
    changed = {
        digest(),
        digest("exports.formats=srt,csv"),
        digest("subtitles.profile=bbc"),
        digest("subtitles.lines=1"),
    }
    assert len(changed) == 4
    assert digest("subtitles.profile=plain") == digest()


def test_a_format_whose_package_is_missing_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"ass needs a package: pip install 'daylong\[subtitles\]'"):
        check_formats(["srt", "ass"])
    assert extras.is_available("srt")


def test_files_exported_since_are_renewed_with_the_names(tmp_path: Path) -> None:
    (tmp_path / "transcript.csv").touch()
    assert list_renewable(make_meeting(), tmp_path) == [*EXPORTS, "csv"]


def test_what_a_run_was_told_is_what_its_tables_tell_the_exports() -> None:
    given = ("exports.formats=srt,md", "subtitles.profile=netflix", "subtitles.max_s=5", "subtitles.overlaps=apart")
    facts = load(assignments=given, environment={}, folder=Path("/nonexistent")).result_facts()
    told = dataclasses.replace(make_meeting(), run=make_run(settings=facts))
    assert list(render(told)) == ["transcript.srt", "transcript.md"]
    profile = style_of(told).profile
    assert (profile.max_ms, profile.overlaps, profile.lines) == (5000, "apart", 2)
