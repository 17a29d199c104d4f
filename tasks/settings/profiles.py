"""What a profile sets: weights, and the few decoding settings that suit them."""

from __future__ import annotations

from typing import Any


def profile_settings(name: str) -> dict[str, Any]:
    """Settings of the profile `name`, as nested mappings; {} where it changes nothing."""
    return _demo() if name == "demo" else {}


def _demo() -> dict[str, Any]:
    return {
        "transcription": {
            "model": "demo:whisper",
            "compute_type": "float32",
            # The small model was trained on windows of a few sentences: stretches of a breath.
            "beam_size": 5,
            "batch_size": 8,
            "max_speech_s": 8.0,
        },
        "diarization": {"embedding_model": "demo:speaker"},
        "separation": {"model": "demo:separation"},
        "punctuation": {"model": "demo:punctuation"},
        # Measured (`python -m tests.benchmarks.voices`): the small speaker model finds all voices alike.
        "voices": {"threshold": 0.96, "margin": 0.02},
    }
