"""One process at a time on a recording, over all machines of a shared storage; sound that lies in a bucket."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flows.recording.assembly import build_outcome
from flows.recording.preparation import Run
from flows.reporting.outcome import Outcome
from tasks.caching import call_before_each_step
from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.read import read_transcript
from tasks.errors import DaylongError
from tasks.pruning.places import share_usage
from tasks.records import Recording
from tasks.sharing import publication
from tasks.sharing.connect import open_objects
from tasks.sharing.copies import find_url
from tasks.sharing.lease import hold_lease
from tasks.sharing.patience import may_wait
from tasks.sharing.sources import fetch_source, is_in_bucket

log = logging.getLogger("daylong.sharing")

LEASES_WAITED = 2.5
"""How many times `storage_lease_s` a run waits for a recording that another process works on: a dead one's is free by
then."""


@contextmanager
def hold_recording(recording: Recording, run: Run, flow_run_id: str) -> Iterator[Outcome | None]:
    """Hold the recording in the block, so that no other process works on it; yield its outcome where it is done
    already, in the same way. Where the results aren't shared, nothing is held.

    Raises Busy where another process works on it, LostLease where one has taken it over.
    """
    url = find_url(run.out)
    if url is None:
        yield None
        return
    objects, lease_s, recording_id = open_objects(url), run.settings.storage_lease_s, recording.recording_id
    patience_s = LEASES_WAITED * lease_s if may_wait() else 0.0
    held = hold_lease(
        objects, f"recordings/{recording_id}", recording.source_name, lease_s=lease_s, patience_s=patience_s
    )
    with held as lease:
        published = publication.claim(objects, recording_id)
        try:
            if is_done(published.facts, recording, run):
                yield read_outcome(recording_id, run)
                return
            with call_before_each_step(flow_run_id, lease.check), lease.telling_loss():
                yield None
        finally:
            publication.drop_claim(objects, recording_id)
            with suppress(DaylongError):  # it is for pruning alone
                share_usage(run.place.store, recording_id)


def is_done(facts: Mapping[str, Any], recording: Recording, run: Run) -> bool:
    """Whether what is published of a recording is all that this run would publish."""
    models = facts.get("models")
    return (
        facts.get("status") == "complete"
        and facts.get("sha256") == recording.sha256
        and facts.get("settings_digest") == run.settings.digest()
        and isinstance(models, dict)
        and all(run.models.get(step, model) == model for step, model in models.items())
    )


def read_outcome(recording_id: str, run: Run) -> Outcome:
    """Read the outcome of a recording that another run has published."""
    transcript = read_transcript(run.out, recording_id)
    log.info("%s: done already, by the run %s", recording_id, transcript.run.run_id)
    exports = run.out / EXPORTS_FOLDER / recording_id
    return build_outcome(transcript, run, [], str(exports), engine_calls=0)


def fetch_shared_source(name: str) -> Path | None:
    """Fetch a recording that lies in a bucket; None for another name."""
    return fetch_source(name) if is_in_bucket(name) else None
