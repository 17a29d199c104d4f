"""What the name of weights in the settings refers to: a path on this machine, or a repository of the hub.

demo:whisper                                  bundled under data/models/demo
/models/whisper, ./voice.nemo                 taken as it is
small, htdemucs                               short names of what the engines' makers publish
campplus, segmentation-3.0                    out of a Python package index
nvidia/speakerverification_en_titanet_large   a hub repository
someone/voice@main                            the same, at a certain commit, branch or tag
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tasks.errors import MissingWeights
from tasks.settings.home import demo_models, home
from tasks.weights.catalogue import DEMO, PINNED, PUBLISHED, Kind


def find_local_path(name: str) -> Path | None:
    """The path that a name refers to on this machine; None for names of the hub."""
    if name.startswith("demo:"):
        if name not in DEMO:
            raise MissingWeights(f"{name}: no such bundled model; there are {', '.join(sorted(DEMO))}")
        return demo_models() / DEMO[name]
    path = Path(name).expanduser()
    is_place = path.is_absolute() or name.startswith((".", "~")) or name.endswith((".nemo", ".pt"))
    for place in (path, home() / path):
        if place.exists() and (is_place or "/" in name):
            return place
    return path if is_place else None


def find_repository(kind: Kind, name: str) -> str:
    """The hub repository that a model name refers to. Raises `MissingWeights` for unknown names."""
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

        published = sorted(f.name[:-5] for f in (files("demucs") / "remote").iterdir() if f.name.endswith(".yaml"))
        if name not in published:
            raise MissingWeights(
                f"separation.model = {name}: Demucs knows {', '.join(published)}, or a repository or folder"
            )
        return f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    short = "".join(f"{p.name}, " for p in PUBLISHED if p.kind == kind and "/" not in p.name)
    raise MissingWeights(f"{kind} model {name}: name {short}a hub repository (owner/name), a file or a folder")


def pin_revision(repository: str) -> str:
    """Append the commit that this project pins to a repository, unless the name has a revision.

    >>> pin_revision("someone/voice"), pin_revision("adefossez/HTDemucs@main")
    ('someone/voice', 'adefossez/HTDemucs@main')
    """
    known = PINNED.get(repository)
    return f"{repository}@{known}" if known else repository
