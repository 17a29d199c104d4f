"""What Daylong's weights are: the bundled ones, the ones that profile `standard` takes from the hub, and which files
of a repository an engine of each kind reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["transcription", "embedding", "diarization", "separation", "punctuation"]

ENGINES: dict[Kind, str] = {
    "transcription": "faster-whisper",
    "embedding": "NeMo",
    "diarization": "NeMo",
    "separation": "Demucs",
    "punctuation": "deepmultilingualpunctuation",
}

DEMO = {
    "demo:whisper": "whisper",
    "demo:speaker": "speaker.nemo",
    "demo:separation": "separation",
    "demo:punctuation": "punctuation",
}
"""Where the bundled weights lie under data/models/demo."""

DEMO_KINDS: dict[str, Kind] = {
    "demo:whisper": "transcription",
    "demo:speaker": "embedding",
    "demo:separation": "separation",
    "demo:punctuation": "punctuation",
}

PATTERNS: dict[Kind, tuple[str, ...]] = {
    "transcription": ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"),
    "embedding": ("*.nemo",),
    "diarization": ("*.nemo",),
    "separation": ("*.yaml", "*.safetensors"),
    "punctuation": (
        "config.json",
        "*.safetensors",
        "*.safetensors.index.json",
        "tokenizer*",
        "special_tokens_map.json",
        "sentencepiece.bpe.model",
        "spm.model",
        "vocab.*",
        "merges.txt",
        "added_tokens.json",
    ),
}
"""Names of the files that an engine of this kind reads, in a repository's top folder."""

ESSENTIAL: dict[Kind, tuple[str, ...]] = {
    "transcription": ("config.json", "model.bin", "tokenizer.json", "vocabulary.*"),
    "embedding": ("*.nemo",),
    "diarization": ("*.nemo",),
    "separation": ("*.safetensors",),
    "punctuation": ("config.json", "*.safetensors"),
}
"""Without these a folder is not a model of its kind."""


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that a profile uses by default."""

    kind: Kind
    name: str
    repository: str
    size_gb: float
    licence: str | None
    needed: str
    """When."""


STANDARD: tuple[Published, ...] = (
    Published("transcription", "small", "Systran/faster-whisper-small", 0.49, "MIT", "without a GPU"),
    Published(
        "transcription",
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        1.62,
        "MIT",
        "with a GPU",
    ),
    Published(
        "embedding",
        "nvidia/speakerverification_en_titanet_large",
        "nvidia/speakerverification_en_titanet_large",
        0.10,
        "CC-BY-4.0",
        "always",
    ),
    Published(
        "diarization",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        0.47,
        "NVIDIA Open Model License",
        "diarization.engine = sortformer",
    ),
    Published("separation", "htdemucs", "adefossez/HTDemucs", 0.1, None, "separation.mode = always"),
    Published(
        "punctuation",
        "oliverguhr/fullstop-punctuation-multilang-large",
        "oliverguhr/fullstop-punctuation-multilang-large",
        2.24,
        "MIT",
        "punctuation.mode = auto or always",
    ),
)
"""What profile `standard` needs."""
