"""Where weights come from: a folder, the bundled small ones, or a hub repository kept in the hub's own cache.

    demo:whisper                                  bundled under data/models/demo
    /models/whisper, ./voice.nemo                 taken as it is
    small, htdemucs                               short names of what the engines' makers publish
    nvidia/speakerverification_en_titanet_large   a hub repository

Only files that an engine reads are fetched, and no pickles. `resolve` finds or fetches; `check` says before
a run what is neither here nor to be had.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from tasks import hub
from tasks.errors import MissingWeights
from tasks.home import demo_models, home
from tasks.settings import Settings

Kind = Literal["transcription", "embedding", "diarization", "separation", "punctuation"]
Want = tuple[Kind, str]
"""A kind and the name that the settings give."""

DEMO = {
    "demo:whisper": "whisper",
    "demo:speaker": "speaker.nemo",
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


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights on this machine. `digest` says what they are: it enters cache keys; `path` says where they are
    now."""

    kind: Kind
    name: str
    path: Path
    digest: str

    def identity(self) -> str:
        return self.digest


def wanted(settings: Settings, device: str) -> list[Want]:
    """What a run with these settings needs on this device ("cpu" or "cuda")."""
    model = settings.transcription.model
    if model == "auto":
        model = "large-v3-turbo" if device == "cuda" else "small"
    wants: list[Want] = [("transcription", model)]
    if settings.diarization.engine != "off":
        wants.append(("embedding", settings.diarization.embedding_model))
    if settings.diarization.engine == "sortformer":
        wants.append(("diarization", settings.diarization.model))
    if settings.separation.mode != "never":
        wants.append(("separation", settings.separation.model))
    if settings.punctuation.mode != "never":
        wants.append(("punctuation", settings.punctuation.model))
    return wants


def resolve(kind: Kind, name: str) -> Weights:
    """The weights on this machine, fetched if need be. Raises `MissingWeights`.

    The path is a `.nemo` file for NeMo's kinds, else a folder.
    """
    local = local_path(name)
    if local is not None:
        problem = _unfit(kind, local)
        if problem:
            raise MissingWeights(problem)
        path = _entry(kind, local)
        return Weights(kind, name, path, digest_of_files(kind, path))
    repository = repository_of(kind, name)
    folder = _cached(kind, repository)
    if folder is None:
        folder = hub.fetch(repository, PATTERNS[kind])
        problem = _unfit(kind, folder)
        if problem:
            raise MissingWeights(f"{repository} is not a {kind} model: {problem}")
    return Weights(kind, name, _entry(kind, folder), f"{repository}@{folder.name}")


def check(wants: Iterable[Want]) -> None:
    """Raise `MissingWeights`, naming each of these that is neither on this machine nor reachable."""
    problems = [p for kind, name in dict.fromkeys(wants) if (p := problem_with(kind, name))]
    if problems:
        raise MissingWeights("\n".join(problems))


def problem_with(kind: Kind, name: str) -> str | None:
    """Why these weights cannot be had, and what to do; None if they can."""
    try:
        local = local_path(name)
        if local is not None:
            return _unfit(kind, local)
        repository = repository_of(kind, name)
    except MissingWeights as error:
        return str(error)
    if _cached(kind, repository) or hub.reachable(repository):
        return None
    return (
        f"{kind} model {name}: not in the cache, and {repository} cannot be reached; "
        "fetch it where there is a network with: daylong models fetch"
    )


def local_path(name: str) -> Path | None:
    """Where a name that means a place on this machine points; None for names of the hub."""
    if name.startswith("demo:"):
        if name not in DEMO:
            raise MissingWeights(f"{name}: no such bundled model; there are {', '.join(sorted(DEMO))}")
        return demo_models() / DEMO[name]
    path = Path(name).expanduser()
    is_place = path.is_absolute() or name.startswith((".", "~")) or name.endswith(".nemo")
    for place in (path, home() / path):
        if place.exists() and (is_place or "/" in name):
            return place
    return path if is_place else None


def repository_of(kind: Kind, name: str) -> str:
    """The hub repository of a name."""
    if "/" in name:
        if name.count("/") > 1:
            raise MissingWeights(f"{kind} model {name}: there is no such file or folder")
        return name
    if kind == "transcription":
        from faster_whisper.utils import _MODELS as known

        if name in known:
            return str(known[name])
        raise MissingWeights(
            f"transcription.model = {name}: faster-whisper knows {', '.join(known)}, or a repository or folder"
        )
    if kind == "separation":
        from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

        return f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    raise MissingWeights(f"{kind} model {name}: name a hub repository (owner/name), a file or a folder")


def _cached(kind: Kind, repository: str) -> Path | None:
    folder = hub.cached(repository, PATTERNS[kind])
    return None if folder is None or _unfit(kind, folder) else folder


def _unfit(kind: Kind, path: Path) -> str | None:
    """Why this place holds no model of this kind; None if it does."""
    if not path.exists():
        return f"{kind} model {path}: there is no such file or folder"
    if path.is_file():
        if kind in ("embedding", "diarization") and path.suffix == ".nemo":
            return None
        return f"{kind} model {path}: wanted a folder" + (" or a .nemo file" if "*.nemo" in PATTERNS[kind] else "")
    names = [p.name for p in path.iterdir() if p.is_file()]
    absent = [e for e in ESSENTIAL[kind] if not any(fnmatch.fnmatch(n, e) for n in names)]
    return f"{kind} model {path}: it has no {', '.join(absent)}" if absent else None


def _entry(kind: Kind, path: Path) -> Path:
    """What the engine is given: the folder, or its `.nemo` file."""
    if kind in ("embedding", "diarization") and path.is_dir():
        return min(path.glob("*.nemo"), key=lambda p: (p.stem != path.parent.name, p.name))
    return path


def digest_of_files(kind: Kind, path: Path) -> str:
    """`sha256:` and the digest of a file, or of the names and contents of what this kind reads in a folder."""
    if path.is_file():
        return _digest((_facts("", path),))
    names = sorted(p.name for p in path.iterdir() if p.is_file())
    read = [n for n in names if any(fnmatch.fnmatch(n, p) for p in PATTERNS[kind])]
    return _digest(tuple(_facts(n, path / n) for n in read))


def _facts(name: str, file: Path) -> tuple[str, str, int, int]:
    stat = file.stat()
    return name, str(file), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _digest(files: tuple[tuple[str, str, int, int], ...]) -> str:
    # Sizes and times are in the key so that changed weights are read again.
    whole = hashlib.sha256()
    for name, place, _, _ in files:
        with open(place, "rb") as opened:
            whole.update(f"{name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"
