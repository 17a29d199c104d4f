"""Events about recordings, for Prefect's automations."""

from __future__ import annotations

import hashlib
import os

from prefect.events import emit_event

from flows.reporting.run_names import make_printable

QUARANTINED = "daylong.recording.quarantined"


def emit_quarantined(name: str, message: str, place: str) -> None:
    """Emit the event that a recording was put in quarantine.

    `message`: the reason; `place`: path in the quarantine. Names may hold bytes that are no text.
    """
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    emit_event(
        event=QUARANTINED,
        resource={
            "prefect.resource.id": f"daylong.recording.{digest}",
            "prefect.resource.name": make_printable(name),
        },
        payload={"message": "\n".join(map(make_printable, message.splitlines())), "place": make_printable(place)},
    )
