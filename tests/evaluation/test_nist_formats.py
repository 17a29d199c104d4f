"""NIST's formats by position: columns and constants are checked, reserved names and marks read as SCTK reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.evaluation.line_formats import read_ctm, read_rttm, read_stm, read_uem
from tasks.evaluation.references import Reference, read_references
from tasks.evaluation.utterances import Excluded
from tasks.intervals import Span
from tasks.records import Turn


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("rest", ["", " <NA>", " 0.93", " <NA> <NA>", " 1 0.0", " <na> <NA>"])
def test_turns_of_8_to_10_columns_are_read(tmp_path: Path, rest: str) -> None:
    path = file(tmp_path, "a.rttm", f"SPEAKER day 1 2.0 0.5 <NA> <NA> ana{rest}\n")
    assert list(read_rttm(path)) == [("day", Turn(2.0, 2.5, "ana"))]


@pytest.mark.parametrize(
    "line",
    [
        "SPEAKER day 1 2.0 0.5 <NA> <NA> Mary Ann",
        "SPEAKER day 1 2.0 0.5 <NA> <NA> Mary Ann <NA>",
        "SPEAKER day 1 2.0 0.5 <NA> <NA> Mary Ann <NA> <NA>",
        "SPEAKER day 1 2.0 0.5 <NA> <NA> Mary Ann Lee <NA> <NA>",
        "SPEAKER day 1 2.0 0.5 <NA> <NA> Speaker 2 <NA>",
        "SPEAKER my day 1 2.0 0.5 <NA> <NA> ana",
        "SPEAKER my day 1 2.0 0.5 <NA> <NA> ana <NA> <NA>",
        "SPEAKER day 3 1 2.0 0.5 <NA> <NA> ana <NA>",
        "SPEAKER day 1 2.0 0.5 ana <NA> <NA>",
        "SPEAKER day 1 2.0 0.5 <NA> ana <NA> <NA>",
        "speaker day 1 2.0 0.5 <NA> <NA> ana <NA> <NA>",
        "day 1 2.0 0.5 ana",
    ],
)
def test_a_turn_with_a_blank_in_a_name_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    good = "SPEAKER day 1 0 1 <NA> <NA> ana <NA> <NA>\n"
    with pytest.raises(UsageError, match=r"a\.rttm, line 2: "):
        list(read_rttm(file(tmp_path, "a.rttm", good + line + "\n")))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.stm", "day 1 Mary Ann 1.0 2.0 <o> hello"),
        ("a.stm", "my day 1 ana 1.0 2.0 <o> hello"),
        ("a.stm", "day 1 Speaker 2 3.0 4.0 <o,f0> hello"),
        ("a.ctm", "my day 1 0.0 0.5 hello"),
        ("a.ctm", "my day 1 0.0 0.5 hello 0.9"),
        ("a.ctm", "day 1 0.0 0.5 New York"),
        ("a.ctm", "day 1 0.0 0.5 New York 0.9"),
        ("a.uem", "my day 1 0.0 9.0"),
    ],
)
def test_blanks_in_the_other_formats_are_refused_with_their_line(tmp_path: Path, name: str, line: str) -> None:
    read = {".stm": read_stm, ".ctm": read_ctm, ".uem": read_uem}[Path(name).suffix]
    with pytest.raises(UsageError, match=rf"{name}, line 1: "):
        list(read(file(tmp_path, name, line + "\n")))


def test_an_rttm_excludes_what_is_not_to_be_scored(tmp_path: Path) -> None:
    text = "NOSCORE day 1 3.0 2.0 <NA> <NA> <NA> <NA>\nLEXEME day 1 1 1 hello lex ana 1\n"
    assert list(read_rttm(file(tmp_path, "a.rttm", text))) == [("day", Excluded(3.0, 5.0))]


def read_day(path: Path) -> Reference:
    return read_references([path])["day"]


def test_a_gap_between_segments_is_no_speaker(tmp_path: Path) -> None:
    text = "day 1 inter_segment_gap 0 3 <o,,unknown>\nday 1 INTER_SEGMENT_GAP 3 4\nday 1 ana 4 5 <o> hello\n"
    reference = read_day(file(tmp_path, "a.stm", text))
    assert reference.turns == (Turn(4, 5, "ana"),)
    assert reference.ignored == ()
    with pytest.raises(UsageError, match="a gap has no words"):
        read_day(file(tmp_path, "b.stm", "day 1 inter_segment_gap 0 3 <o> hello\n"))


def test_excluded_regions_are_not_scored(tmp_path: Path) -> None:
    text = "day 1 excluded_region 0 3 <o>\nday 1 Excluded_Region 6 7 <o> music\nday 1 ana 4 5 <o> hello\n"
    reference = read_day(file(tmp_path, "a.stm", text))
    assert reference.turns == (Turn(4, 5, "ana"),)
    assert reference.ignored == (Span(0, 3), Span(6, 7))


def test_words_that_need_not_be_there_are_left_out_and_told(tmp_path: Path) -> None:
    text = "day 1 ana 0 3 <o> so (%hesitation) we (really) saw %um 20 % more (he said)\n"
    reference = read_day(file(tmp_path, "a.stm", text))
    assert [u.text for u in reference.utterances] == ["so we saw 20 % more (he said)"]
    (remark,) = reference.remarks
    assert "3 optionally deletable words are left out" in remark
    words = "day 1 0 1 so\nday 1 1 1 (%hesitation)\nday 1 2 1 we\n"
    assert [u.text for u in read_day(file(tmp_path, "a.ctm", words)).utterances] == ["so", "we"]


@pytest.mark.parametrize("text", ["and { so / sow } on", "{a/b} c", "so { i mean / @ } yes"])
def test_alternatives_are_refused_with_their_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"a\.stm, line 1: alternatives \(\{.*\}\) are not supported"):
        read_day(file(tmp_path, "a.stm", f"day 1 ana 0 3 <o> {text}\n"))
    with pytest.raises(UsageError, match=r"a\.ctm, line 1: alternative words"):
        read_day(file(tmp_path, "a.ctm", "day 1 * * <ALT_BEGIN>\nday 1 0 1 so\n"))
