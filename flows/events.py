"""What happens to recordings, told to Prefect's automations."""

from __future__ import annotations

from prefect.events import emit_event

from flows.names import printable
from tasks.artifacts import digest_of

QUARANTINED = "daylong.recording.quarantined"


def quarantined(name: str, message: str, place: str) -> None:
    """A recording can't be processed: `message` says why, `place` where it is kept."""
    emit_event(
        event=QUARANTINED,
        resource={
            "prefect.resource.id": f"daylong.recording.{digest_of(place)[:12]}",
            "prefect.resource.name": printable(name),
        },
        payload={"message": message, "place": printable(place)},
    )
