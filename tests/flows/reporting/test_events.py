"""Events about recordings, whatever their names."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from flows.reporting import events


def test_a_name_that_is_no_text_is_emitted_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda **event: emitted.append(event))
    for name in (b"caf\xe9.wav", b"caf\xe8.wav"):
        hostile = os.fsdecode(name)
        events.emit_quarantined(hostile, f"{hostile}: no sound.\nRecord it again.", f"/quarantine/{hostile}")
    json.dumps(emitted, ensure_ascii=False).encode()
    assert emitted[0]["payload"]["message"] == "caf\N{REPLACEMENT CHARACTER}.wav: no sound.\nRecord it again."
    assert len({event["resource"]["prefect.resource.id"] for event in emitted}) == 2
