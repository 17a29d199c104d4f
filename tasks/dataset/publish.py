"""Publish: a transcript becomes a recording's files in the tables, its exports, and schema.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from glob import escape
from pathlib import Path

from tasks.canonical import canonical, find_recorded_date
from tasks.dataset.parquet import serialize_table
from tasks.dataset.read import find_row_here
from tasks.dataset.rows import tables
from tasks.dataset.schema import EVERY_TABLE, schema_json
from tasks.dataset.shared import mark_publication, publish_shared
from tasks.errors import PermanentError, TransientError, UsageError
from tasks.records import Transcript
from tasks.sharing import copies, publication
from tasks.storage import files, journal
from tasks.storage.journal_plan import check_file, check_folder

EXPORTS_FOLDER = "exports"


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """Where a recording's files lie: `tables` and `exports` by name, their paths absolute or relative as `out` is."""

    recording_id: str
    recorded_date: date
    tables: dict[str, Path]
    exports: dict[str, Path]


Superseded = publication.Superseded
"""Another run has published the recording since."""


def publish(
    transcript: Transcript, out: Path, *, exports: Mapping[str, str | bytes], instead_of: str | None = None
) -> PublishedFiles:
    """Put a recording's tables and exports in place, replacing what an earlier run published of it.

    `exports` holds the finished contents by file name (`transcript.srt`, …, `report.html`), so that nothing that can
    fail is left to do once files change. How the files are replaced as one, and what a reader in between sees:
    see journal.py. Interrupted publications, also those of other recordings, are finished first. `instead_of`:
    the run whose tables these are to replace; another's stay (`Superseded`).

    Raises PermanentError for names that cannot be files', TransientError where the folder cannot be written,
    or something in it is in the way: what was published before is as it was then.
    """
    transcript = canonical(transcript)
    recording_id, day = transcript.recording.recording_id, find_recorded_date(transcript)
    for name in (recording_id, *exports):
        check_file_name(name)
    partition = f"recorded_date={day.isoformat()}"
    made = tables(transcript)
    placed = {table: Path(table, partition, f"{recording_id}.parquet") for table in made}
    exported = {name: Path(EXPORTS_FOLDER, recording_id, name) for name in exports}
    url = copies.find_url(out)
    if url is not None:
        made = {name: mark_publication(table) for name, table in made.items()}
    contents = {placed[name]: serialize_table(table) for name, table in made.items()}
    contents |= {exported[name]: _encode(content) for name, content in exports.items()}
    entry = publish_shared(url, transcript, contents, instead_of) if url is not None else None
    try:
        with journal.lock_journal(out) as folder:
            journal.recover(folder)
            if entry is None and instead_of is not None:
                _check_run(out, recording_id, instead_of)
            _describe(out, folder)
            leaving = [p for p in list_published_files(out, recording_id) if p not in contents]
            journal.commit_publication(folder, recording_id, contents, leaving)
        if entry is not None:
            copies.note_copied(out, recording_id, entry.publication)
    except OSError as err:
        raise TransientError(
            f"{out}: the transcript of {transcript.recording.source_name} could not be written there "
            f"({err.strerror or err}); check the disk's space and rights, then run it again."
        ) from err
    return PublishedFiles(
        recording_id,
        day,
        {name: out / path for name, path in placed.items()},
        {name: out / path for name, path in exported.items()},
    )


def publish_translations(
    transcript: Transcript, out: Path, *, exports: Mapping[str, str | bytes], instead_of: str
) -> list[Path]:
    """Add a published transcript's translations to its files: the table `translations` is replaced, exports are added
    or replaced, all as one; nothing else changes. Return the paths of the exports.

    `instead_of`: the run whose tables they belong to; raises `Superseded` where these are another's by now, and else
    as `publish`.
    """
    transcript = canonical(transcript)
    recording_id = transcript.recording.recording_id
    for name in exports:
        check_file_name(name)
    url, entry = copies.find_url(out), None
    try:
        if url is not None:
            copies.refresh(out, recording_id)
            contents, leaving = _plan_translations(transcript, out, exports, instead_of)
            whole = {path: (out / path).read_bytes() for path in list_published_files(out, recording_id)} | contents
            whole = {path: data for path, data in whole.items() if path not in leaving}
            entry = publish_shared(url, transcript, whole, instead_of)
        with journal.lock_journal(out) as folder:
            journal.recover(folder)
            contents, leaving = _plan_translations(transcript, out, exports, instead_of)
            _describe(out, folder)
            journal.commit_publication(folder, recording_id, contents, leaving)
        if entry is not None:
            copies.note_copied(out, recording_id, entry.publication)
    except OSError as err:
        raise TransientError(
            f"{out}: the translations of {transcript.recording.source_name} could not be written there "
            f"({err.strerror or err}); check the disk's space and rights, then run it again."
        ) from err
    return [out / EXPORTS_FOLDER / recording_id / name for name in exports]


def _plan_translations(
    transcript: Transcript, out: Path, exports: Mapping[str, str | bytes], instead_of: str
) -> tuple[dict[Path, bytes], list[Path]]:
    """The files to put in place for a transcript's translations, by path below `out`, and those to remove."""
    recording_id = transcript.recording.recording_id
    _check_run(out, recording_id, instead_of)
    there = sorted((out / "recordings").glob(f"recorded_date=*/{escape(recording_id)}.parquet"))
    # The row of `recordings` is written again, unchanged: it goes first and comes last.
    contents = {there[0].relative_to(out): there[0].read_bytes()}
    table = tables(transcript).get("translations")
    path = Path("translations", there[0].parent.name, f"{recording_id}.parquet")
    if table is not None:
        contents[path] = serialize_table(table)
    contents |= {Path(EXPORTS_FOLDER, recording_id, n): _encode(c) for n, c in exports.items()}
    return contents, [path] if table is None and (out / path).is_file() else []


def _check_run(out: Path, recording_id: str, run_id: str) -> None:
    if (find_row_here(out, "", recording_id) or {}).get("run_id") != run_id:
        raise Superseded(f"{recording_id} in {out}: another run has published it since")


def _encode(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def check_places(out: Path) -> None:
    """Raise UsageError where the folders of the tables or of the exports can't take files: asked before any work, so
    that none is done in vain."""
    try:
        check_file(out / "schema.json")
        for name in (*EVERY_TABLE, EXPORTS_FOLDER):
            check_folder(out, out / name)
    except (OSError, TransientError) as err:
        raise UsageError(f"out = {out}: results can't be put in place. {err}.") from err


def recover(out: Path, needed: str | None = None) -> list[str]:
    """Finish or undo what processes that died left of their publications; a line for each recording.

    Raises TransientError where that of the recording `needed` can't be finished now: its published state is
    unknown then.
    """
    if needed is not None:
        copies.refresh(out, needed)
    if not (out / journal.FOLDER).is_dir():
        return []
    with journal.lock_journal(out) as folder:
        lines = journal.recover(folder)
        if needed is not None:
            journal.finish_plan(folder, needed)
        return lines


def list_published_files(out: Path, recording_id: str) -> list[Path]:
    """The files of a recording that are there now, relative to `out`: tables in any partition, and exports."""
    found = []
    for table in EVERY_TABLE:
        # Names are joined, never globbed: a recording may be called "[1]*".
        for partition in sorted((out / table).glob("recorded_date=*")):
            if (partition / f"{recording_id}.parquet").is_file():
                found.append(Path(table, partition.name, f"{recording_id}.parquet"))
    folder = out / EXPORTS_FOLDER / recording_id
    for name in ("report.html", "report.*.html", "timeline.*", "transcript.*"):
        found += [path.relative_to(out) for path in sorted(folder.glob(name)) if path.is_file()]
    return [path for path in found if all(map(files.is_plain_name, path.parts))]  # others are no doing of ours


def check_file_name(name: str) -> None:
    """Refuse what is not the plain name of one file, or one that readers would pass over (leading "." or "_")."""
    if not files.is_plain_name(name) or len(name.encode()) > 200:
        raise PermanentError(f"{name!r} cannot be the name of a recording's file; rename the recording.")


def _describe(out: Path, folder: Path) -> None:
    """schema.json, if what is there is not what this version writes."""
    target, text = out / "schema.json", schema_json().encode()
    if not target.is_file() or target.read_bytes() != text:
        check_file(target)
        files.write_durably(folder / "schema.draft", text)
        files.move(folder / "schema.draft", target)
        files.sync_folders([out])
