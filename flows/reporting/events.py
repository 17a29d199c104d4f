"""What happens to recordings, told to Prefect's automations."""

from __future__ import annotations

import hashlib
import os

from prefect.events import emit_event

from flows.reporting.run_names import printable

QUARANTINED = "daylong.recording.quarantined"


def quarantined(name: str, message: str, place: str) -> None:
    """A recording can't be processed: `message` says why, `place` where it is kept. Names may be no text."""
    of = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    emit_event(
        event=QUARANTINED,
        resource={
            "prefect.resource.id": f"daylong.recording.{of}",
            "prefect.resource.name": printable(name),
        },
        payload={"message": "\n".join(map(printable, message.splitlines())), "place": printable(place)},
    )
