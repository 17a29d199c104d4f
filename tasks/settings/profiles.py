"""What a profile sets, and what a model brings along: settings that suit its weights, whatever profile names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROFILES: dict[str, dict[str, Any]] = {
    "light": {
        # Eight windows at a time take 0.4 GB more, for the encoder's attention, and are 4 % faster on a CPU.
        "transcription": {"model": "base", "compute_type": "int8", "batch_size": 4},
        "diarization": {"engine": "segmentation", "embedding_model": "campplus"},
        "separation": {"mode": "never"},
        "punctuation": {"mode": "auto"},
    },
    "demo": {
        "transcription": {"model": "demo:whisper"},
        "diarization": {"embedding_model": "demo:speaker"},
        "separation": {"model": "demo:separation"},
        "punctuation": {"model": "demo:punctuation"},
    },
}

MODEL_SETTINGS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("transcription", "model"): {
        # The small model was trained on windows of a few sentences: stretches of a breath.
        "demo:whisper": {
            "transcription": {"compute_type": "float32", "beam_size": 5, "batch_size": 8, "max_speech_s": 8.0}
        },
    },
    ("diarization", "embedding_model"): {
        # Measured (`python -m tests.benchmarks.voices`): the small speaker model finds all voices alike.
        "demo:speaker": {"voices": {"threshold": 0.96, "margin": 0.02}},
    },
}
"""Group and key of a setting that names weights -> name of weights -> settings that suit them."""


def profile_settings(name: str) -> dict[str, Any]:
    """Settings of the profile `name`, as nested mappings; {} where it changes nothing."""
    return PROFILES.get(name, {})


def model_settings(settings: Mapping[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """Settings that suit the weights that nested `settings` name, as nested mappings.

    >>> model_settings({"diarization": {"embedding_model": "demo:speaker"}})
    [{'voices': {'threshold': 0.96, 'margin': 0.02}}]
    """
    found = []
    for (group, key), by_name in MODEL_SETTINGS.items():
        within = settings.get(group)
        name = within.get(key) if isinstance(within, Mapping) else None
        if isinstance(name, str) and name in by_name:
            found.append(by_name[name])
    return found
