"""The step `publish`: tables and exports put in place. Never cached: it is what a run is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.caching import RETRY_OPTIONS
from tasks.dataset.publish import publish
from tasks.records import Transcript


class PublishJob:
    """A transcript and its rendered exports. A plain class, so that Prefect doesn't walk through every word."""

    __slots__ = ("exports", "transcript")

    def __init__(self, transcript: Transcript, exports: Mapping[str, str | bytes]) -> None:
        self.transcript = transcript
        self.exports = exports


@task(name="publish", task_run_name="publish", cache_policy=NO_CACHE, persist_result=False, **RETRY_OPTIONS)
def publish_transcript(publication: PublishJob, out: str) -> str:
    """Publish under `out`; the folder with the recording's exports is returned."""
    published = publish(publication.transcript, Path(out), exports=publication.exports)
    folders = {path.parent for path in published.exports.values()}
    return str(folders.pop() if folders else Path(out))
