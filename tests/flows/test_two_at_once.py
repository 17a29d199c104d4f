"""Two runs of one recording at the same time, as two watchers or an impatient person start them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import soundfile

from tasks.settings.home import sample

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.mark.slow
def test_two_runs_of_one_recording_at_once_never_break_each_other(home: Path) -> None:
    from prefect.settings import PREFECT_API_URL

    from tasks.audio.decode import decode
    from tasks.intervals import Span

    clip = home / "wanted twice.flac"
    soundfile.write(clip, decode(sample(), Span(400.0, 450.0)), 16_000)
    code = (
        "import flows, json\n"
        "from flows.process_recording import process_recording\n"
        f"out = process_recording({str(clip)!r}, dict(profile='demo', out={str(home / 'twice')!r},"
        " chunking=dict(min_minutes=0.5, max_minutes=0.6, overlap_s=6)))\n"
        "print(json.dumps(out))\n"
    )
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    tables = f"{home / 'twice'}/{{}}/*/*.parquet"
    (run_id, words) = duckdb.sql(f"select run_id, num_words from '{tables.format('recordings')}'").fetchall()[0]
    assert words > 30
    found = duckdb.sql(f"select run_id, count(*) from '{tables.format('words')}' group by all").fetchall()
    assert found == [(run_id, words)]
    assert not [p for p in (home / "twice").rglob("*") if p.name.startswith(".") and p.is_file()]
