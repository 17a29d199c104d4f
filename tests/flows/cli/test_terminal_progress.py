"""Progress on the terminal: its text, and the interval of plain lines."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from flows.cli.bar import MIN_WIDTH_WITH_BAR, SPINNER_CELLS, fit_line, list_details, measure_progress
from flows.cli.progress import MAX_INTERVAL_S, MIN_INTERVAL_S, PlainLines, show_progress
from flows.cli.terminal import Terminal
from flows.reporting.progress import Snapshot


def screen(*, live: bool = False) -> tuple[Terminal, io.StringIO]:
    text = io.StringIO()
    err = Console(file=text, force_terminal=live, width=100, highlight=False, markup=False)
    return Terminal(Console(file=io.StringIO()), err), text


def chunks(done: int, steps: int = 40) -> Snapshot:
    return Snapshot(
        "day [red].wav",
        "chunks",
        7200.0,
        chunks=10,
        chunks_done=done // 4,
        steps=steps,
        steps_done=done,
        elapsed_s=60.0,
    )


def test_plain_lines_have_a_minimum_interval() -> None:
    terminal, text = screen()
    now = 100.0
    show = PlainLines(terminal, clock=lambda: now)
    for second in range(35):
        now = 100.0 + second
        show(chunks(second))
    lines = text.getvalue().splitlines()
    assert len(lines) == 1 + int(34 / MIN_INTERVAL_S)
    assert lines[1] == ("day [red].wav: chunk 2 of 10 done, step 10 of 40, 30.0 × real time, about 3 min 00 s left")


def test_long_step_repeats_its_line() -> None:
    terminal, text = screen()
    now = 100.0
    lines = PlainLines(terminal, clock=lambda: now)
    lines(chunks(4))
    for second in range(100, 400, 5):
        now = float(second)
        lines.repeat()
    said = text.getvalue().splitlines()
    assert len(said) == 1 + int(295 / MAX_INTERVAL_S)
    assert said[1].endswith("about 9 min 00 s left; still at work after 1 min 00 s")


def test_starting_is_shown_before_the_first_snapshot() -> None:
    for live in (False, True):
        terminal, text = screen(live=live)
        with show_progress(terminal, "1 of 2"):
            pass
        assert "1 of 2  starting" in text.getvalue()


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120])
def test_starting_is_shown_on_any_terminal(width: int) -> None:
    text = io.StringIO()
    err = Console(file=text, force_terminal=True, width=width, highlight=False, markup=False, color_system=None)
    with show_progress(Terminal(Console(file=io.StringIO()), err), "1 of 2"):
        pass
    assert "starting" in text.getvalue()


def test_untrusted_names_are_shown_as_text() -> None:
    terminal, text = screen(live=True)
    with show_progress(terminal) as show:
        show(Snapshot("a\x1b[31m\n[bold]b.wav", "probe"))
    assert "a\\x1b[31m\\n[bold]b.wav" in text.getvalue()


def test_the_bar_measures_steps_and_the_speech_map() -> None:
    assert measure_progress(chunks(20)) == (20, 40)
    assert measure_progress(Snapshot("x", "speech map", duration_s=100.0, mapped_s=130.0)) == (100.0, 100.0)
    assert measure_progress(Snapshot("x", "linking", duration_s=100.0)) == (0, None)
    assert measure_progress(chunks(0, steps=0)) == (0, None)


def details(snapshot: Snapshot) -> str:
    return " · ".join(text for _, text in list_details(snapshot))


def test_the_details_name_share_chunk_speed_and_time_left() -> None:
    assert details(chunks(20)) == "50% · chunk 6 of 10 · 60.0 × real time · 1 min 00 s left"
    assert details(chunks(40)).startswith("100% · chunk 10 of 10 ·")
    assert details(Snapshot("x", "speech map", duration_s=100.0, mapped_s=30.0)) == "30% · speech map"
    assert details(Snapshot("x", "seams")) == "seams"


NAMES = ("day.wav", "2026-11-29_meeting_of_the_board.wav", "会議の録音二〇二六年十一月.wav")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("position", ["", "12 of 70"])
def test_forty_columns_keep_name_share_and_time_left(name: str, position: str) -> None:
    now = replace(chunks(13), source_name=name, last_step="transcription")
    shown, beside = fit_line(name, list_details(now), 40 - SPINNER_CELLS, position)
    assert beside == "32% · 2 min 05 s left"
    assert shown.removeprefix("12/70 ")[:2] == name[:2]
    assert shown.endswith("v")


@given(
    st.text(st.characters(exclude_categories=["C"]), max_size=60),
    st.integers(10, 200),
    st.sampled_from(["", "2 of 7", "12 of 70"]),
    st.integers(0, 40),
)
def test_the_line_fits_any_terminal_and_keeps_the_share(name: str, width: int, position: str, done: int) -> None:
    now = replace(chunks(done), last_step="transcription")
    shown, beside = fit_line(name, list_details(now), width, position)
    assert cell_len(f"{shown} {beside}") <= width
    assert beside.startswith(f"{done / 40:.0%}")
    if width >= 38 and done:
        assert beside.endswith(" left")


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_the_bar_stays_on_one_line_of_a_terminal(width: int) -> None:
    for name in NAMES:
        text = io.StringIO()
        err = Console(file=text, force_terminal=True, width=width, highlight=False, markup=False, color_system=None)
        with show_progress(Terminal(Console(file=io.StringIO()), err), "2 of 7") as show:
            show(replace(chunks(13), source_name=name))
        drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.getvalue()).replace("\r", "\n").splitlines()
        assert "32%" in "".join(drawn)
        assert all(cell_len(line) <= width for line in drawn)
        assert ("━" in "".join(drawn)) == (width >= MIN_WIDTH_WITH_BAR)
