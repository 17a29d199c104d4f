"""Who hears of progress, and for how long."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from flows.reporting import prefect_log as reporting
from flows.reporting.progress import Progress, Snapshot, at_each_chunk, listening


def test_a_listener_that_fails_hears_no_more_and_stops_nobody() -> None:
    heard: list[str] = []

    def broken(now: Snapshot) -> None:
        heard.append(f"broken {now.stage}")
        raise OSError("the server is away")

    def well(now: Snapshot) -> None:
        heard.append(now.stage)

    progress = Progress("a.wav", (broken, well))
    with listening(lambda now: broken(now)):
        progress.stage("probe")
        progress.stage("plan")
    assert heard == ["broken probe", "broken probe", "probe", "plan"]


def test_who_wants_to_know_of_each_chunk_is_not_woken_by_every_step() -> None:
    told: list[int] = []
    progress = Progress("a.wav", (at_each_chunk(lambda: told.append(1)),))
    progress.stage("plan")
    progress.stage("chunks", chunks=2, steps=4)
    for _ in range(2):
        progress.step_done("transcription", False)
        progress.step_done("punctuation", True)
        progress.chunk_done(600.0)
    progress.stage("linking")
    assert len(told) == 5


def test_an_update_that_fails_is_told_and_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[float] = []

    def update(_artifact: UUID, *, progress: float, description: str) -> None:
        if len(shown) == 1:
            shown.append(-1.0)
            raise RuntimeError("500: the database is locked")
        shown.append(progress)

    monkeypatch.setattr(reporting, "EVERY_S", 0.0)
    monkeypatch.setattr(reporting, "create_progress_artifact", lambda **_: uuid4())
    monkeypatch.setattr(reporting, "update_progress_artifact", update)
    progress = Progress("day.wav", reporting.reporters())
    progress.stage("chunks", chunks=4, steps=4, duration_s=400.0)
    for _ in range(4):
        progress.step_done("transcription", False)
    with caplog.at_level("INFO", "daylong.story"):
        progress.stage("linking")
        progress.stage("done")
    assert shown == [pytest.approx(25.0), -1.0, pytest.approx(75.0), pytest.approx(100.0), 100.0]
    assert "Finding out which voices" in caplog.text
