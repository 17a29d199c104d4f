"""Catalogue of known weights: the bundled ones, those that profile `standard` takes from the hub, and the files of a
repository that an engine of each kind reads."""

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
"""Paths of the bundled weights under data/models/demo."""

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
class PublishedWeights:
    """Weights that a profile uses by default."""

    kind: Kind
    name: str
    repository: str
    revision: str
    """The pinned commit, so that every installation downloads the same files."""
    size_gb: float
    licence: str | None
    needed: str
    """The settings or hardware under which a run needs them, in words."""


STANDARD: tuple[PublishedWeights, ...] = (
    PublishedWeights(
        "transcription",
        "small",
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        0.49,
        "MIT",
        "without a GPU",
    ),
    PublishedWeights(
        "transcription",
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        1.62,
        "MIT",
        "with a GPU",
    ),
    PublishedWeights(
        "embedding",
        "nvidia/speakerverification_en_titanet_large",
        "nvidia/speakerverification_en_titanet_large",
        "0dc382f40121a5fbd34db10a2bb04d826c2be6a8",
        0.10,
        "CC-BY-4.0",
        "always",
    ),
    PublishedWeights(
        "diarization",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        "cd03eee90fbec18297ac31b8c21546e596b7f71c",
        0.47,
        "NVIDIA Open Model License",
        "diarization.engine = sortformer",
    ),
    PublishedWeights(
        "separation",
        "htdemucs",
        "adefossez/HTDemucs",
        "cbc8a9b1a87023b7fd74e7b3412e6321c0eab003",
        0.1,
        None,
        "separation.mode = always",
    ),
    PublishedWeights(
        "punctuation",
        "oliverguhr/fullstop-punctuation-multilang-large",
        "oliverguhr/fullstop-punctuation-multilang-large",
        "345e80adc07e761d3a35feafd20f2f44a151f453",
        2.24,
        "MIT",
        "punctuation.mode = auto or always",
    ),
)
"""The weights of profile `standard`."""

PINNED = {published.repository: published.revision for published in STANDARD}
"""The commit of each repository, used unless a name gives another revision (`owner/name@revision`)."""

BUNDLED_LICENCES = {"demo:whisper": "CC0-1.0"}
"""Licences of bundled weights other than the project's own, MIT."""
