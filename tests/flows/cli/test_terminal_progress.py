"""Progress on the terminal: its text, and the interval of plain lines."""

from __future__ import annotations

import io

from rich.console import Console

from flows.cli.progress import (
    MAX_INTERVAL_S,
    MIN_INTERVAL_S,
    PlainLines,
    format_details,
    measure_progress,
    show_progress,
)
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


def test_the_details_name_chunk_speed_and_time_left() -> None:
    assert format_details(chunks(20)) == "chunk 6 of 10 · 60.0 × real time · 1 min 00 s left"
    assert format_details(chunks(40)).startswith("chunk 10 of 10 ·")
    assert format_details(Snapshot("x", "seams")) == "seams"
