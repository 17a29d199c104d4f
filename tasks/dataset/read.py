"""Reading the tables back: what has been published, and one recording as the Transcript it came from."""

from __future__ import annotations

import functools
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tasks.dataset.rows import format_raw
from tasks.dataset.schema import EVERY_TABLE, OPTIONAL_TABLES
from tasks.dataset.versions import upgrade_table
from tasks.errors import PermanentError, TransientError, UsageError
from tasks.intervals import Span
from tasks.records import (
    STEPS,
    ChunkReport,
    HourQuality,
    Part,
    Recording,
    RunFacts,
    Segment,
    Speaker,
    StepCost,
    Transcript,
    Translation,
    Turn,
    Word,
)
from tasks.sharing import copies

ATTEMPTS = 5
PAUSE_S = 0.2
_QUALITY = [f.name for f in fields(HourQuality) if f.name != "hour"]


def recordings(out: Path) -> list[dict[str, Any]]:
    """The rows of `recordings`, oldest partition first; `recorded_date` (a date as text) is added to each."""
    copies.refresh(out)
    rows = []
    for path in sorted((out / "recordings").glob("recorded_date=*/*.parquet")):
        try:
            _, found = _read("recordings", path)
        except FileNotFoundError:  # replaced by another run just now
            continue
        rows += [{**row, "recorded_date": path.parent.name.removeprefix("recorded_date=")} for row in found]
    return rows


def find_row(out: Path, sha256: str, recording_id: str | None = None) -> dict[str, Any] | None:
    """The row of the recording whose bytes have that digest, or that has this id; None where there is none."""
    copies.refresh(out, recording_id)
    return find_row_here(out, sha256, recording_id)


def find_row_here(out: Path, sha256: str, recording_id: str | None = None) -> dict[str, Any] | None:
    """The same, of this machine's copy of shared storage as it is: for whoever holds the folder's lock."""
    for path in sorted((out / "recordings").glob(f"recorded_date=*/{recording_id or f'*-{sha256[:8]}'}.parquet")):
        try:
            _, found = _read("recordings", path)
        except (FileNotFoundError, PermanentError):  # replaced by another run just now; damaged
            continue
        for row in found:
            if row["recording_id"] == recording_id or row["sha256"] == sha256:
                return row
    return None


def find(out: Path, recording: str) -> dict[str, Any]:
    """The row of the recording with this id, or with the only id that begins so, or with this source name.

    Raises UsageError where there is none, or more than one.
    """
    rows = recordings(out)
    for fits in (
        [r for r in rows if r["recording_id"] == recording],
        [r for r in rows if r["recording_id"].startswith(recording) and recording],
        [r for r in rows if r["source_name"] == recording],
    ):
        ids = sorted({r["recording_id"] for r in fits})
        if len(ids) == 1:
            return fits[-1]
        if ids:
            shown = ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
            raise UsageError(f"{recording!r} fits {len(ids)} recordings in {out}: {shown}; give more of the name.")
    known = ", ".join(r["recording_id"] for r in rows[-5:]) or "none"
    raise UsageError(f"{out} has no recording {recording!r}; there are: {known}.")


def read_transcript(out: Path, recording: str) -> Transcript:
    """The transcript of a recording (by id, a beginning of it, or the source's name), as the tables hold it.

    `recording.path` is the source's name: where its bytes are now is not in the tables. Confidences and embeddings
    have float32's precision, embeddings the zeros that fill them up.
    Raises UsageError where it isn't there, TransientError where it is being replaced at this moment.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        row = find(out, recording)
        partition = f"recorded_date={row['recorded_date']}"
        try:
            held = {
                t: _read(t, path)
                for t in EVERY_TABLE
                if (path := out / t / partition / f"{row['recording_id']}.parquet").is_file()
                or t not in OPTIONAL_TABLES
            }
        except FileNotFoundError:
            continue
        if {run_id for run_id, _ in held.values()} == {row["run_id"]}:
            return _transcript({table: rows for table, (_, rows) in held.items()})
    raise TransientError(f"{recording}: its tables in {out} are being replaced; try again in a moment.")


def read_turns(out: Path, recording_id: str) -> tuple[str, dict[str, list[Span]]] | None:
    """Read the published run of a recording, and its turns by speaker; None where there are none."""
    copies.refresh(out, recording_id)
    for path in sorted((out / "turns").glob(f"recorded_date=*/{escape(recording_id)}.parquet")):
        try:
            run_id, rows = _read("turns", path)
        except FileNotFoundError:
            continue
        spoken: dict[str, list[Span]] = {}
        for row in rows:
            spoken.setdefault(row["speaker"], []).append(Span(row["start_s"], row["end_s"]))
        return run_id, spoken
    return None


def count_stale(out: Path, recording_id: str) -> dict[str, int]:
    """Count the segments of a recording whose translation is stale, by language."""
    found: Counter[str] = Counter()
    for path in (out / "translations").glob(f"recorded_date=*/{escape(recording_id)}.parquet"):
        with suppress(FileNotFoundError):
            found.update(row["language"] for row in _read("translations", path)[1] if row["status"] == "stale")
    return dict(sorted(found.items()))


def read_speakers(out: Path, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `speakers` of a recording, by its row as `recordings` gives it."""
    path = out / "speakers" / f"recorded_date={row['recorded_date']}" / f"{row['recording_id']}.parquet"
    run_id, rows = _read("speakers", path)
    if run_id != row["run_id"]:
        raise TransientError(f"{row['recording_id']}: its tables in {out} are being replaced; try again in a moment.")
    return rows


def _read(table_name: str, path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The run that wrote a file, and its rows with today's columns, whichever version wrote it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # ParquetFile, because read_table would take the folder's name for a column.
        with pq.ParquetFile(path) as file:
            table = file.read()
    except pa.ArrowInvalid as err:
        raise PermanentError(f"{path}: not a readable Parquet file ({err}); process its recording again.") from err
    run_id = (table.schema.metadata or {}).get(b"run_id", b"").decode()
    return run_id, upgrade_table(table_name, table, path).to_pylist()


def _transcript(held: dict[str, list[dict[str, Any]]]) -> Transcript:
    (row,) = held["recordings"]
    return Transcript(
        recording=Recording(
            path=row["source_name"],
            parts=tuple(Part(**p) for p in row["parts"]),
            recorded_at=_iso(row["recorded_at"], row["timezone"]),
            **_select(row, "recording_id source_name sha256 size_bytes duration_s sample_rate_hz channels codec"),
            **_select(row, "recorded_at_source timezone"),
        ),
        run=RunFacts(
            models=json.loads(row["models"]),
            settings=json.loads(row["settings"]),
            processed_at=row["processed_at"].astimezone(UTC).isoformat(),
            **_select(row, "run_id status profile settings_digest pipeline_version wall_s language"),
            **_select(row, "language_confidence speech_s"),
        ),
        words=tuple(map(_word, held["words"])),
        segments=tuple(
            Segment(
                index=r["segment_index"],
                **_select(
                    r, "start_s end_s text num_words speaker channel confidence speaker_confidence has_overlap"
                ),
            )
            for r in held["segments"]
        ),
        turns=tuple(Turn(**_select(r, "start_s end_s speaker channel is_overlap")) for r in held["turns"]),
        speakers=tuple(
            Speaker(
                label=r["speaker"],
                name=r["speaker_name"],
                embedding=tuple(r["embedding"] or ()),
                **_select(r, "turn_s num_segments num_words first_s last_s link_margin embedding_model voice_id"),
                **_select(r, "voice_similarity maybe_voice_id maybe_name"),
            )
            for r in held["speakers"]
        ),
        chunks=tuple(map(_chunk, held["chunks"])),
        translations=tuple(
            Translation(segment=r["segment_index"], **_select(r, "language text status engine"))
            for r in held.get("translations", ())
        ),
        quality=tuple(
            HourQuality(hour=r["hour_index"], **{name: r[name] for name in _QUALITY}) for r in held.get("quality", ())
        ),
    )


def restore_heard(text: str, raw: str | None) -> str | None:
    """What was heard instead of a word, in its raw form; None where the word itself was, or that is not known."""
    return None if raw is None or raw == _format_raw(text) else raw


_format_raw = functools.lru_cache(100_000)(format_raw)  # of 200,000 words few are different


def _word(r: dict[str, Any]) -> Word:
    return Word(
        text=r["word"],
        chunk=r["chunk_index"],
        segment=-1 if r["segment_index"] is None else r["segment_index"],
        space_before=r["space_before"] is not False,  # null in files of before this column
        times=r["times"] or "engine",  # the same
        edited=bool(r["edited"]),  # the same
        heard=restore_heard(r["word"], r["word_raw"]),
        **_select(r, "start_s end_s confidence channel speaker speaker_confidence is_overlap local_speaker language"),
    )


def _chunk(r: dict[str, Any]) -> ChunkReport:
    costs = {
        step: StepCost(r[f"{step}_s"], r[f"{step}_wait_s"], r[f"{step}_peak_mb"], r[f"{step}_cached"])
        for step in STEPS
        if r[f"{step}_s"] is not None
    }
    return ChunkReport(
        index=r["chunk_index"],
        span=Span(r["start_s"], r["end_s"]),
        core=Span(r["core_start_s"], r["core_end_s"]),
        costs=costs,
        **_select(r, "status error speech_s language num_words seam_kept seam_dropped seam_redecoded_s"),
        **_select(r, "loops_removed silence_text_removed"),
    )


def _select(row: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}


def _iso(moment: datetime | None, timezone: str) -> str | None:
    return None if moment is None else moment.astimezone(ZoneInfo(timezone)).isoformat()
