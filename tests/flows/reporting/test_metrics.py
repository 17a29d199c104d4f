"""Metrics of runs, as node_exporter's textfile collector reads them."""

from __future__ import annotations

import threading
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from flows.reporting.metrics import RunMetrics, add_run


def read_metrics(path: Path) -> dict[str, float]:
    return {
        s.name + "".join(f"/{v}" for v in s.labels.values()): s.value
        for family in text_string_to_metric_families(path.read_text())
        for s in family.samples
    }


def test_runs_add_up(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "daylong.prom"
    add_run(
        str(path),
        RunMetrics("complete", 10.0, 300.0, 0, {"transcription": 6.0, "embedding": 2.0}, 3, {"diarization/x": 1.5}),
    )
    add_run(str(path), RunMetrics("partial", 5.0, 50.0, 1, {"transcription": 1.5}))
    add_run(str(path), RunMetrics("failed", 1.0))
    found = read_metrics(path)
    assert found["daylong_runs_total/complete"] == found["daylong_runs_total/failed"] == 1
    assert found["daylong_recorded_seconds_total"] == 350
    assert found["daylong_run_seconds_total"] == 16
    assert found["daylong_step_seconds_total/transcription"] == 7.5
    assert found["daylong_engine_wait_seconds_total/diarization/x"] == 1.5
    assert found["daylong_chunks_failed_total"] == 1
    assert found["daylong_last_run_speed"] == 10  # of the last that had a transcript
    assert found["daylong_queue_length"] == 0
    assert [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] == ["daylong.prom"]


def test_runs_that_end_at_the_same_time_are_all_counted(tmp_path: Path) -> None:
    path = tmp_path / "daylong.prom"
    threads = [
        threading.Thread(target=add_run, args=(str(path), RunMetrics("complete", 1.0, 2.0))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_metrics(path)["daylong_runs_total/complete"] == 12


def test_a_damaged_file_is_started_anew(tmp_path: Path) -> None:
    path = tmp_path / "daylong.prom"
    path.write_text("daylong_runs_total{status= 3\x00")
    add_run(str(path), RunMetrics("complete", 1.0))
    assert read_metrics(path)["daylong_runs_total/complete"] == 1
