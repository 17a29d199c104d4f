"""The models that requests may name: the contract's own names, profiles, and recognisers that are on this machine."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from flows.http.errors import ApiError

ALIASES = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
)
"""Names of OpenAI's that clients have built in: each stands for what the server's settings say."""
LISTED_ALIAS = "whisper-1"
PROFILES = ("standard", "light", "demo")
_STARTED = int(time.time())


def choose_model(name: str, ready: Collection[str]) -> dict[str, Any]:
    """The settings that a request's `model` stands for. `ready`: profiles and recognisers on this machine.

    Raises ApiError (404) for another name.

    >>> choose_model("whisper-1", []), choose_model("demo", ["demo"]), choose_model("small", ["small"])
    ({}, {'profile': 'demo'}, {'transcription': {'model': 'small'}})
    """
    if name in ALIASES:
        return {}
    if name not in ready:
        shown = name[:80]
        fetch = " Its weights are not on this machine: daylong models fetch --profile " + name + "."
        raise ApiError(
            404,
            f"The model {shown!r} does not exist here.{fetch if name in PROFILES else ''} GET /v1/models lists those "
            "that do.",
            param="model",
            code="model_not_found",
        )
    return {"profile": name} if name in PROFILES else {"transcription": {"model": name}}


def list_models(ready: Collection[str]) -> dict[str, Any]:
    """Build the answer of GET /v1/models."""
    return {"object": "list", "data": [describe_model(name) for name in (LISTED_ALIAS, *ready)]}


def describe_model(name: str) -> dict[str, Any]:
    """Build the description of a model."""
    return {"id": name, "object": "model", "created": _STARTED, "owned_by": "daylong"}
