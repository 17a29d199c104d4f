"""Settings of the folder-watch, logs, figures and the server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tasks.settings.groups.group import Group, read_list


class InboxSettings(Group):
    folder: str | None = Field(None, description="The folder that is watched. Default: data/inbox.")
    settle_seconds: float = Field(
        10.0, ge=0, le=86_400, description="A file is taken when it has not changed for so long, seconds."
    )
    patience_minutes: float = Field(
        60.0,
        ge=0,
        le=10_080,
        description="A file that is empty, is no sound, or lacks the end that its header promises may still be "
        "copied: so long is it waited for, minutes without a change, before it is taken as it is.",
    )
    after: Literal["done", "keep", "delete"] = Field(
        "done",
        description="What becomes of a recording that is processed: moved to data/done (done), left where it is "
        "(keep), or deleted (delete).",
    )
    group: Literal["file", "folder"] = Field(
        "file",
        description="folder: the files of a sub-folder are one recording, as they are in one with a file _together.",
    )
    attempts: int = Field(
        3, ge=1, le=100, description="So often is a recording tried that fails for passing reasons; then quarantine."
    )


class LoggingSettings(Group):
    format: Literal["text", "json"] = Field(
        "text", description="Log lines for people (text), or one JSON object a line (json)."
    )


class MetricsSettings(Group):
    textfile: str | None = Field(
        None,
        pattern=r"\.prom$",
        description="File to which each run adds its figures as Prometheus text, for node_exporter's textfile "
        "collector: a name ending in .prom. Left out: none.",
    )


Names = Annotated[tuple[str, ...], BeforeValidator(read_list)]


class ServeSettings(Group):
    enabled: bool = Field(False, description="Whether `daylong up` starts the server of `daylong serve`, too.")
    host: str = Field(
        "127.0.0.1",
        description="Address that `daylong serve` listens on: this machine alone. Any other wants api_keys.",
    )
    port: int = Field(8000, ge=1, le=65_535, description="Its port.")
    api_keys: str | None = Field(
        None,
        description="File with the hashes of the API keys; `daylong serve --add-key NAME` adds one. Left out: no key "
        "is asked for, which only an address of this machine alone may do.",
    )
    roots: Names | None = Field(
        None,
        description="Folders, and buckets or keys of them (s3://bucket/2026), below which a job may name a recording "
        "by its path. Left out: none.",
    )
    origins: Names | None = Field(
        None,
        description="Web pages (https://notes.example.org) that may send requests from browsers. Left out: none.",
    )
    webhook_hosts: Names | None = Field(
        None,
        description="Hosts at private addresses to which webhooks may be sent. Public addresses need no leave.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes behind the port that receive requests and uploads; with two or more, beside the one "
        "that has the jobs.",
    )
    at_once: int = Field(
        2, ge=1, le=16, description="Recordings worked on at a time; with two or more, one place is for short ones."
    )
    short_minutes: float = Field(
        20.0, ge=0.1, le=1440, description="Recordings up to so many minutes go before longer ones."
    )
    max_waiting: int = Field(
        64, ge=1, le=10_000, description="Recordings that may wait; more are refused until later (status 429)."
    )
    max_upload_gb: float = Field(16.0, gt=0, le=1000, description="Largest upload, GB.")
    uploads_gb: float = Field(
        64.0, gt=0, le=100_000, description="Room for uploads that wait or are worked on, all together, GB."
    )
    keep_hours: float = Field(
        168.0, ge=0, le=87_600, description="A finished job is known for so long, hours; tables and exports stay."
    )
