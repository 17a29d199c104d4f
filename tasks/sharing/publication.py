"""All files of a recording replaced as one in shared storage, by whichever process gets there first.

    ledger/<recording_id>.json                  who works on the recording, and what is published of it
    staged/<recording_id>/<publication>/<n>     the new files of a publication under way
    transcripts/<path>                          the files that readers see

A disk's journal (`tasks/storage/journal.py`) rests on a lock that ends with its holder; a bucket has none. Here every
write is conditional, so that a process which was stopped and goes on hours later can undo nothing:

1. A run claims its recording: its ledger entry gets a nonce. Whoever takes the run over claims again.
2. The new files are staged, then the entry becomes `publishing` with the plan: which staged file goes where, instead
   of which content. This is one conditional write, of a run that still has the claim.
3. The `recordings` row, if there is one, is replaced by a table without rows; files that the recording no longer has
   are removed; the others are written; the new row is written. Each replaces exactly the content that the plan names
   (If-Match, or If-None-Match for a new file).
4. The entry becomes `published`, with the tags of the files; the staged ones are removed.

Whoever finds an entry `publishing` carries its plan out (rolled forward); two who do so at once do the same. A reader
finds a row only while the tables belong to it, or, having read the row before, another `run_id` in a table.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tasks.errors import DaylongError, TransientError
from tasks.sharing.objects import Conflict, Objects
from tasks.storage.files import is_plain_name

TRANSCRIPTS = "transcripts"
LEDGER, STAGED = "ledger", "staged"
COMMIT_TABLE = "recordings"
ATTEMPTS = 8

_claims: dict[tuple[str, str], str] = {}
"""The claims of this process, by storage and recording."""


class Superseded(DaylongError):
    """Another run has taken the recording over, or has published it since. Never tried again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger says of a recording."""

    recording_id: str
    state: Literal["claimed", "publishing", "published"] = "claimed"
    claim: str = ""
    """Of the run that works on it, or worked on it last."""
    publication: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of the run that published it: run_id, status, settings_digest, sha256, recorded_date, processed_at, …"""
    files: Mapping[str, list[str]] = field(default_factory=dict)
    """[SHA-256, tag] of the published files by path; the tag is "" until the file is in place."""
    before: Mapping[str, str] = field(default_factory=dict)
    """While it is being published: tags of the files that were there before."""
    cleared: str = ""
    """SHA-256 of the `recordings` table without rows."""

    @classmethod
    def parse(cls, data: bytes) -> Entry:
        """Read an entry. Raises ValueError for what is none: paths are followed only where they are ours."""
        try:
            entry = cls(**json.loads(data))
            paths = [*entry.files, *entry.before]
            if not all(all(map(is_plain_name, path.split("/"))) for path in [entry.recording_id, *paths]):
                raise ValueError("a path that is no name of a file of ours")
            return entry
        except (TypeError, AttributeError, RecursionError) as error:
            raise ValueError("no entry of the ledger") from error

    def serialize(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @property
    def path(self) -> str:
        return f"{LEDGER}/{self.recording_id}.json"

    def staged(self, sha256: str) -> str:
        return f"{STAGED}/{self.recording_id}/{self.publication}/{sha256}"


def read_entry(objects: Objects, recording_id: str) -> tuple[Entry, str | None]:
    """Read the entry of a recording and its tag; an empty entry and None where there is none."""
    held = objects.get(f"{LEDGER}/{recording_id}.json")
    if held is None:
        return Entry(recording_id), None
    try:
        return Entry.parse(held.data), held.tag
    except ValueError:
        return Entry(recording_id), held.tag


def find_published(objects: Objects, recording_id: str) -> Entry | None:
    """Find what is published of a recording, after finishing a publication that a process left; None for nothing."""
    entry, tag = read_entry(objects, recording_id)
    if entry.state == "publishing" and tag is not None:
        with suppress(Superseded):
            finish(objects, entry, tag)
        entry, _ = read_entry(objects, recording_id)
    return entry if entry.files and entry.state != "publishing" else None


def claim(objects: Objects, recording_id: str) -> Entry:
    """Claim a recording for this process: no run that claimed it before can publish it now. Return its entry.

    Call it with the recording's lease. A publication under way is finished first.
    """
    nonce = uuid.uuid4().hex
    for _ in range(ATTEMPTS):
        find_published(objects, recording_id)
        entry, tag = read_entry(objects, recording_id)
        if entry.state == "publishing":
            continue
        with suppress(Conflict):
            _swap(objects, replace(entry, claim=nonce), tag)
            _claims[objects.url, recording_id] = nonce
            return entry
    raise TransientError(f"{objects.url}: {recording_id} is being published by others all the time; try again.")


def drop_claim(objects: Objects, recording_id: str) -> None:
    """This process is done with the recording."""
    _claims.pop((objects.url, recording_id), None)


def publish(
    objects: Objects,
    recording_id: str,
    contents: Mapping[str, bytes],
    cleared: bytes,
    facts: Mapping[str, Any],
    *,
    instead_of: str | None = None,
) -> Entry:
    """Put a recording's files in place, by path below `transcripts/`, as one. `cleared`: the `recordings` table
    without rows, of no other publication's bytes.

    Raises Superseded where this process's claim has been taken over, or, with `instead_of`, where another run than
    that one is published; TransientError where the store fails: the next process that looks finishes or forgets it.
    """
    sums = {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}
    mine = _claims.get((objects.url, recording_id))
    new = Entry(recording_id, "publishing", mine or "", uuid.uuid4().hex[:12], facts)
    new = replace(new, files={path: [digest, ""] for path, digest in sums.items()})
    new = replace(new, cleared=hashlib.sha256(cleared).hexdigest())
    for path, data in contents.items():
        objects.put(new.staged(sums[path]), data)
    objects.put(new.staged(new.cleared), cleared)
    for _ in range(ATTEMPTS):
        published = find_published(objects, recording_id)
        entry, tag = read_entry(objects, recording_id)
        if instead_of is None and mine is not None and entry.claim != mine:
            raise Superseded(
                f"{recording_id}: another process took it over while this one was away; it goes on there."
            )
        if instead_of is not None and (published is None or published.facts.get("run_id") != instead_of):
            raise Superseded(f"{recording_id} in {objects.url}: another run has published it since")
        if entry.state == "publishing":
            continue
        planned = replace(new, claim=entry.claim, before={path: tag for path, (_, tag) in entry.files.items()})
        with suppress(Conflict):
            return finish(objects, planned, _swap(objects, planned, tag))
    raise TransientError(f"{objects.url}: {recording_id} is being published by others all the time; try again.")


def finish(objects: Objects, entry: Entry, tag: str) -> Entry:
    """Carry out the plan of an entry `publishing`, from its start or from where somebody stopped; return the entry as
    published. Raises Superseded where it was finished by another and replaced since."""
    rows = [path for path in entry.files if path.startswith(f"{COMMIT_TABLE}/")]
    before = dict(entry.before)
    for path in rows:
        if path in before:
            before[path] = _place(objects, entry, path, entry.cleared, before[path], or_already=entry.files[path][0])
    leaving = [path for path in before if path not in entry.files]
    if leaving and not _is_current(objects, entry):
        raise _superseded(entry)
    for path in sorted(leaving, key=lambda path: not path.startswith(f"{COMMIT_TABLE}/")):
        objects.delete(f"{TRANSCRIPTS}/{path}")
    tags = {}
    for path in sorted(entry.files, key=lambda path: path in rows):
        digest = entry.files[path][0]
        tags[path] = [digest, _place(objects, entry, path, digest, before.get(path))]
    done = replace(entry, state="published", files=tags, before={})
    try:
        _swap(objects, done, tag)
    except Conflict:
        found, _ = read_entry(objects, entry.recording_id)
        if found.publication != entry.publication:
            raise _superseded(entry) from None
    for staged in {*(digest for digest, _ in entry.files.values()), entry.cleared}:
        objects.delete(entry.staged(staged))
    return done


def _place(
    objects: Objects, entry: Entry, path: str, digest: str, tag: str | None, *, or_already: str | None = None
) -> str:
    """Write a staged file to its place instead of the content with `tag` (None: nothing there); return its new tag.

    What was put there by hand is replaced, too; what another publication put there is not (Superseded). A place that
    holds `or_already` is further on than this act: its tag is returned.
    """
    name = f"{TRANSCRIPTS}/{path}"
    for _ in range(ATTEMPTS):
        held = objects.get(name)
        if held is not None and hashlib.sha256(held.data).hexdigest() in (digest, or_already):
            return held.tag
        if (held and held.tag) != tag:
            # Before it is taken for something of outside: is the plan still the one to carry out?
            if not _is_current(objects, entry):
                raise _superseded(entry)
            tag = held.tag if held else None
        staged = objects.get(entry.staged(digest))
        if staged is None:
            if not _is_current(objects, entry):
                raise _superseded(entry)
            raise TransientError(f"{objects.url}: {entry.staged(digest)} is gone; process the recording again.")
        with suppress(Conflict):
            if tag is None:
                return objects.put_new(name, staged.data)
            return objects.replace(name, staged.data, tag)
    raise TransientError(f"{objects.url}: {name} is being written by others all the time; try again.")


def _is_current(objects: Objects, entry: Entry) -> bool:
    found, _ = read_entry(objects, entry.recording_id)
    return found.state == "publishing" and found.publication == entry.publication


def _superseded(entry: Entry) -> Superseded:
    return Superseded(f"{entry.recording_id}: its publication was finished by another process, and replaced since.")


def _swap(objects: Objects, entry: Entry, tag: str | None) -> str:
    data = entry.serialize()
    return objects.put_new(entry.path, data) if tag is None else objects.replace(entry.path, data, tag)
