"""Reference files: what is read, and what is said of a line that can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.evaluation.line_formats import read_rttm, read_stm
from tasks.evaluation.references import read_references
from tasks.evaluation.utterances import Utterance
from tasks.intervals import Span
from tasks.records import Turn

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_bundled_references_are_read_and_agree() -> None:
    both = read_references([SAMPLES / "roundtable.stm", SAMPLES / "roundtable.rttm"])
    assert list(both) == ["roundtable"]
    reference = both["roundtable"]
    assert {t.speaker for t in reference.turns} == {u.speaker for u in reference.utterances}
    assert len(reference.turns) == len(reference.utterances) > 100
    assert not any("<" in u.text for u in reference.utterances)
    for turn, said in zip(reference.turns, reference.utterances, strict=True):
        assert turn.start_s == pytest.approx(said.start_s, abs=0.01)


def test_an_stm_alone_says_who_spoke_when(tmp_path: Path) -> None:
    stm = file(tmp_path, "a.stm", ";; a comment\nday 1 ana 1.5 2.5 <o,f0,female> so it's done\n\nday 1 ben 3 4 yes\n")
    reference = read_references([stm])["day"]
    assert reference.utterances == (Utterance(1.5, 2.5, "ana", "so it's done"), Utterance(3, 4, "ben", "yes"))
    assert reference.turns == (Turn(1.5, 2.5, "ana"), Turn(3, 4, "ben"))
    assert reference.regions is None


def test_an_stm_may_exclude_stretches(tmp_path: Path) -> None:
    text = "day 1 ana 0 1 <o> hello\nday 1 inter_segment_gap 1 5 <o> IGNORE_TIME_SEGMENT_IN_SCORING\n"
    reference = read_references([file(tmp_path, "a.stm", text)])["day"]
    assert reference.ignored == (Span(1, 5),)
    assert [t.speaker for t in reference.turns] == ["ana"]


def test_rttm_lines_of_other_types_are_passed_over(tmp_path: Path) -> None:
    text = "SPKR-INFO day 1 <NA> <NA> <NA> unknown ana <NA>\nSPEAKER day 1 2.0 0.5 <NA> <NA> ana <NA>\n"
    assert list(read_rttm(file(tmp_path, "a.rttm", text))) == [("day", Turn(2.0, 2.5, "ana"))]


def test_seglst_says_who_said_what(tmp_path: Path) -> None:
    text = """[{"session_id": "day", "speaker": "ana", "start_time": 1.5, "end_time": "2.5", "words": "it's done"},
               {"session_id": "day", "speaker": 7, "start_time": 3, "end_time": 4}]"""
    reference = read_references([file(tmp_path, "a.json", text)])["day"]
    assert reference.utterances == (Utterance(1.5, 2.5, "ana", "it's done"),)
    assert reference.turns == (Turn(1.5, 2.5, "ana"), Turn(3, 4, "7"))


def test_a_ctm_of_one_channel_tells_words_and_no_speakers(tmp_path: Path) -> None:
    text = ";; made by hand\nday 1 1.5 0.5 good 0.9\nday 1 2 0.5 day\n"
    reference = read_references([file(tmp_path, "a.ctm", text)])
    assert reference["day"].utterances == (Utterance(1.5, 2, "", "good"), Utterance(2, 2.5, "", "day"))
    assert reference["day"].turns == ()


def test_a_ctm_of_two_channels_has_a_speaker_on_each(tmp_path: Path) -> None:
    reference = read_references([file(tmp_path, "a.ctm", "call A 0 1 hello\ncall B 1 1 yes\nother A 0 1 hm\n")])
    assert [t.speaker for t in reference["call"].turns] == ["channel A", "channel B"]
    assert reference["other"].turns == ()


def test_audacitys_labels_name_the_speaker_and_maybe_the_words(tmp_path: Path) -> None:
    text = "0.000000\t1.500000\tana: Well: hello there\n\\\t100.0\t900.0\n2\t3\tBen Noor\n"
    reference = read_references([file(tmp_path, "monday.txt", text)])["monday"]
    assert reference.utterances == (Utterance(0, 1.5, "ana", "Well: hello there"),)
    assert reference.turns == (Turn(0, 1.5, "ana"), Turn(2, 3, "Ben Noor"))


TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
4
<exists>
2
"IntervalTier"
"ana"
0
4
2
0
1.5
"she said ""no"" twice"
1.5
4
""
"TextTier"
"clicks"
0
4
1
2
"click"
"""


def test_a_tier_of_a_textgrid_is_a_speaker(tmp_path: Path) -> None:
    reference = read_references([file(tmp_path, "talk.TextGrid", TEXTGRID)])["talk"]
    assert reference.utterances == (Utterance(0, 1.5, "ana", 'she said "no" twice'),)


def test_transcribers_textgrids_are_read(shared_data: Path) -> None:
    grids = sorted((shared_data / "dialogues").glob("*.TextGrid"))
    assert grids
    for path in grids:
        (reference,) = read_references([path]).values()
        assert len(reference.utterances) > 5, path.name


def test_regions_belong_to_their_recording(tmp_path: Path) -> None:
    rttm = file(tmp_path, "a.rttm", "SPEAKER a 1 0 1 <NA> <NA> x\nSPEAKER b 1 0 1 <NA> <NA> x\n")
    uem = file(tmp_path, "a.uem", "a 1 0 10\na 1 20 30\n")
    both = read_references([rttm], uem)
    assert both["a"].regions == (Span(0, 10), Span(20, 30))
    assert both["b"].regions is None


def test_a_byte_order_mark_windows_line_ends_and_odd_line_separators(tmp_path: Path) -> None:
    path = tmp_path / "a.stm"
    path.write_bytes("\ufeffday 1 ana 0 1 <o> one\u2028two\r\nday 1 ana 2 3 <o> three\r\n".encode())
    assert [u.text for _, u in read_stm(path)] == ["one\u2028two", "three"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.rttm", "SPEAKER day 1 0 1 <NA> <NA> ana\nSPEAKER day 1 0 <NA> ana\n", "line 2"),
        ("a.rttm", "SPEAKER day 1 zero 1 <NA> <NA> ana\n", "'zero' is not a time"),
        ("a.rttm", "SPEAKER day 1 0 -1 <NA> <NA> ana\n", "'-1' is not a time"),
        ("a.rttm", "SPEAKER day 1 nan 1 <NA> <NA> ana\n", "'nan' is not a time"),
        ("a.stm", "day 1 ana 5 4 <o> hello\n", "before it starts"),
        ("a.stm", "day 1 ana\n", "expected file channel speaker start end"),
        ("a.txt", "hello\n", "expected start, end and speaker"),
        ("a.txt", "1\t0\tana\n", "before it starts"),
        ("a.ctm", "day 1 0 1\n", "expected file channel start duration word"),
        ("a.json", "{}", "not a list of SegLST segments"),
        ("a.json", '[{"session_id": "day"}]', "KeyError('start_time')"),
        ("a.json", '[{"session_id": "d", "speaker": "a", "start_time": null, "end_time": 1}]', "is not a time"),
        ("a.TextGrid", "nothing of the kind", "cannot be read as a TextGrid"),
        ("a.doc", "hello\n", "no known reference; known are .rttm, .stm"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_references([file(tmp_path, name, text)])
    assert says in str(caught.value)
    assert name in str(caught.value)


def test_a_reference_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_references([tmp_path / "none.rttm"])
    (tmp_path / "b.rttm").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="UTF-8"):
        read_references([tmp_path / "b.rttm"])
    with pytest.raises(UsageError, match="expected file channel start end"):
        read_references([file(tmp_path, "c.rttm", "")], file(tmp_path, "c.uem", "day 0 10\n"))
