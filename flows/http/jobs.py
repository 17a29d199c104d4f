"""Jobs: what each request is while it waits, is worked on and afterwards; kept on disk, so that a restart loses none.

A job is known by its content: the recording's bytes, the settings that change the result, and the known speakers.
So a request that is sent again joins the work under way, or takes its result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from tasks.storage.atomic import write_atomically

State = Literal["queued", "running", "completed", "failed", "cancelled"]
FINISHED = ("completed", "failed", "cancelled")
STREAM, CONNECTION, BATCH = 0, 1, 2
"""Urgency: a stream is read as it comes, a connection waits for its answer, a job's result is asked for later."""
FILE = "job.json"


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A speaker whom a request names, and the file with the voice; without one the registry of voices is to know."""

    name: str
    reference: str | None = None


@dataclass(slots=True)
class Job:
    """A recording to process. Times are seconds since the epoch."""

    id: str
    source: str
    """Path of the recording."""
    source_name: str
    sha256: str
    parameters: dict[str, Any]
    """Settings, as the flow takes them."""
    digest: str
    """Of the settings that change the result."""
    known: list[KnownSpeaker] = field(default_factory=list)
    uploaded: bool = True
    """Whether the recording lies in the job's own folder, and is removed with it."""
    urgency: int = BATCH
    state: State = "queued"
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None
    duration_s: float | None = None
    is_long: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    """Of the run, as `worker.describe_snapshot` has it."""
    final: list[str] = field(default_factory=list)
    """Text that is final, piece by piece, while the work goes on; of this attempt. A piece begins with its blank."""
    final_until_s: float | None = None
    result: dict[str, Any] | None = None
    """The flow's outcome, of what concerns programs."""
    error: dict[str, Any] | None = None
    """Status, message and param of an ApiError."""
    webhooks: dict[str, bool] = field(default_factory=dict)
    """URL -> whether it is settled: delivered, or given up."""
    attempts: int = 0

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def lane(self) -> Literal["short", "long"]:
        """In which the job waits."""
        return "long" if self.is_long else "short"

    @property
    def waited_s(self) -> float:
        """Seconds in the queue until the work began, or until now."""
        return (self.started_at or self.finished_at or time.time()) - self.created_at


def make_job_id(sha256: str, source_name: str, digest: str, known: Mapping[str, str | None]) -> str:
    """The id of a job of this content. `known`: name -> SHA-256 of the reference.

    The file's name is part of it, since it names the recording in tables and exports.
    """
    content = json.dumps([sha256, source_name, digest, sorted(known.items())], ensure_ascii=True)
    return "job_" + hashlib.sha256(content.encode()).hexdigest()[:32]


def describe_job(job: Job, ahead: int | None = None) -> dict[str, Any]:
    """Build the description of a job for its callers: no paths of this machine in it. `ahead`: jobs before it."""
    return {
        "id": job.id,
        "object": "transcription.job",
        "status": job.state,
        "file_name": job.source_name,
        "created_at": int(job.created_at),
        "started_at": None if job.started_at is None else int(job.started_at),
        "finished_at": None if job.finished_at is None else int(job.finished_at),
        "waited_s": round(job.waited_s, 3),
        "ahead": ahead if job.state == "queued" else None,
        "duration_s": job.duration_s,
        "progress": job.progress or None,
        "final_text": "".join(job.final).strip() if job.state == "running" else None,
        "final_until_s": job.final_until_s,
        "result": job.result,
        "error": None if job.error is None else {k: job.error.get(k) for k in ("message", "type", "param", "code")},
    }


class JobFolder:
    """The folder of the jobs: one folder for each, with `job.json` and, while it is worked on, its upload."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def locate(self, job_id: str) -> Path:
        return self._folder / job_id

    def save(self, job: Job) -> None:
        """Write the job's file; whole, or as it was."""
        place = self.locate(job.id)
        place.mkdir(parents=True, exist_ok=True)
        write_atomically(place / FILE, json.dumps(asdict(job), ensure_ascii=True))

    def adopt(self, job: Job, files: Mapping[Path, str]) -> None:
        """Move files into the job's folder, to these paths within it, and save the job."""
        place = self.locate(job.id)
        place.mkdir(parents=True, exist_ok=True)
        for file, name in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            os.replace(file, place / name)
        self.save(job)

    def remove(self, job: Job) -> None:
        """Remove all that is kept of a job."""
        shutil.rmtree(self.locate(job.id), ignore_errors=True)

    def load(self) -> Iterator[Job]:
        """Yield the jobs of an earlier server, oldest first; unreadable ones are left alone."""
        found = []
        for file in self._folder.glob(f"job_*/{FILE}"):
            with suppress(OSError, ValueError, TypeError, KeyError):
                found.append(read_job(json.loads(file.read_text(encoding="utf-8"))))
        yield from sorted(found, key=lambda job: job.created_at)


def read_job(held: Mapping[str, Any]) -> Job:
    """Read a job from its JSON; names that this version doesn't know are left out. Raises TypeError, KeyError."""
    known = [KnownSpeaker(**each) for each in held.get("known", [])]
    names = {each.name for each in fields(Job)} - {"known"}
    return Job(**{name: value for name, value in held.items() if name in names}, known=known)
