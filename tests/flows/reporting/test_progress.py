"""Listeners of progress, and updates of the progress artifact."""

from __future__ import annotations

import threading
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from flows.reporting import prefect_log as reporting
from flows.reporting.progress import Progress, Snapshot, call_at_each_chunk, subscribe, subscribe_to_own
from tasks.records import Word
from tests.helpers.sample_words import make_word


def test_a_listener_that_raises_is_removed_and_does_not_stop_the_run() -> None:
    received: list[str] = []

    def broken(now: Snapshot) -> None:
        received.append(f"broken {now.stage}")
        raise OSError("the server is away")

    def well(now: Snapshot) -> None:
        received.append(now.stage)

    progress = Progress("a.wav", (broken, well))
    with subscribe(lambda now: broken(now)):
        progress.enter_stage("probe")
        progress.enter_stage("plan")
    assert received == ["broken probe", "broken probe", "probe", "plan"]


def test_a_listener_for_chunks_is_not_called_at_every_step() -> None:
    calls: list[int] = []
    progress = Progress("a.wav", (call_at_each_chunk(lambda: calls.append(1)),))
    progress.enter_stage("plan")
    progress.enter_stage("chunks", chunks=2, steps=4)
    for _ in range(2):
        progress.count_step("transcription", False)
        progress.count_step("punctuation", True)
        progress.count_chunk(600.0)
    progress.enter_stage("linking")
    assert len(calls) == 5


def test_a_failed_update_is_logged_and_the_next_one_is_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[float] = []

    def update(_artifact: UUID, *, progress: float, description: str) -> None:
        if len(shown) == 1:
            shown.append(-1.0)
            raise RuntimeError("500: the database is locked")
        shown.append(progress)

    monkeypatch.setattr(reporting, "ARTIFACT_INTERVAL_S", 0.0)
    monkeypatch.setattr(reporting, "create_progress_artifact", lambda **_: uuid4())
    monkeypatch.setattr(reporting, "update_progress_artifact", update)
    progress = Progress("day.wav", reporting.create_listeners())
    progress.enter_stage("chunks", chunks=4, steps=4, duration_s=400.0)
    for _ in range(4):
        progress.count_step("transcription", False)
    with caplog.at_level("INFO", "daylong.story"):
        progress.enter_stage("linking")
        progress.enter_stage("done")
    assert shown == [pytest.approx(25.0), -1.0, pytest.approx(75.0), pytest.approx(100.0), 100.0]
    assert "Finding out which voices" in caplog.text


def test_cached_steps_tell_nothing_of_the_speed_of_the_others() -> None:
    now = Snapshot("a.wav", "chunks", duration_s=3600.0, steps=40, steps_done=20, steps_cached=20, elapsed_s=0.5)
    assert (now.speed, now.remaining_s) == (None, None)
    assert now.format_line() == "a.wav: chunk 0 of 0 done, step 20 of 40 (20 cached)"
    later = replace(now, steps_done=30, elapsed_s=60.0)
    assert later.speed == pytest.approx(15.0)
    assert later.remaining_s == pytest.approx(60.0)
    assert replace(later, steps_done=40).remaining_s == 0.0


def test_runs_that_share_a_process_are_heard_by_their_own_listeners() -> None:
    heard: dict[str, list[str]] = {"a.wav": [], "b.wav": []}
    begun = threading.Barrier(2, timeout=10)

    def run(name: str) -> None:
        with subscribe_to_own(lambda now: heard[name].append(now.source_name)):
            progress = Progress(name)
            begun.wait()
            progress.enter_stage("chunks", chunks=1, steps=1)
            # A step's end is told from a thread of its own.
            done = threading.Thread(target=progress.count_step, args=("transcription", False))
            done.start()
            done.join()
            begun.wait()
        Progress("later.wav").enter_stage("probe")

    threads = [threading.Thread(target=run, args=(name,)) for name in heard]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"a.wav": ["a.wav"] * 2, "b.wav": ["b.wav"] * 2}


def test_final_words_are_looked_for_only_where_somebody_listens_and_never_stop_a_run() -> None:
    looked: list[str] = []
    heard: list[list[str]] = []

    def find(text: str) -> list[Word]:
        looked.append(text)
        return [make_word(0.0, 1.0, text)] if text else []

    Progress("a.wav").report_words(lambda: find("nobody"))
    with subscribe_to_own(lambda _: None, lambda words: heard.append([w.text for w in words])):
        progress = Progress("b.wav")
    for text in ("one", "", "two"):
        progress.report_words(lambda text=text: find(text))
    progress.report_words(lambda: [*find("three"), 1 / 0])  # type: ignore[list-item]
    progress.report_words(lambda: find("four"))
    assert heard == [["one"], ["two"]]
    assert looked == ["one", "", "two", "three"]
