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

from tasks.engines.spec import WeightsFormat
from tasks.errors import MissingWeights
from tasks.settings.home import demo_models, home
from tasks.weights.catalogue import DEMO, DEMO_KINDS, PINNED, PUBLISHED, Kind
from tasks.weights.formats import find_engine, find_format, list_formats, list_rivals, list_suffixes

AUTO = "auto"
"""The name that says: the engine's own default."""


def find_local_path(name: str) -> Path | None:
    """The path that a name refers to on this machine; None for names of the hub."""
    if name.startswith("demo:"):
        if name not in DEMO:
            raise MissingWeights(f"{name}: no such bundled model; there are {', '.join(sorted(DEMO))}")
        return demo_models() / DEMO[name]
    path = Path(name).expanduser()
    is_place = path.is_absolute() or name.startswith((".", "~")) or name.endswith(list_suffixes())
    for place in (path, home() / path):
        if place.exists() and (is_place or "/" in name):
            return place
    return path if is_place else None


def find_repository(kind: Kind, name: str) -> str:
    """The hub repository that a model name refers to. Raises `MissingWeights` for names of nothing, or of weights of
    another engine."""
    wanted = find_format(kind)
    if name in wanted.names and wanted.from_hub:
        return wanted.names[name]
    if other := _find_owner(kind, name):
        raise MissingWeights(
            f"{wanted.setting} = {name}: this name is one of {other.maker}'s, and means nothing to {wanted.maker}. "
            f"Set {wanted.setting.partition('.')[0]}.engine = {find_engine(other.kind)}, or name another model"
        )
    if "/" in name and wanted.from_hub:
        if name.count("/") > 1:
            raise MissingWeights(f"{kind} model {name}: there is no such file or folder")
        return name
    if not wanted.from_hub:
        chosen = f"{wanted.maker} has no model of its own" if name == AUTO else "there is no such file or folder"
        raise MissingWeights(f"{wanted.setting} = {name}: {chosen}. Name {_describe_local(wanted)} with one")
    if wanted.names:
        raise MissingWeights(
            f"{wanted.setting} = {name}: {wanted.maker} knows {', '.join(wanted.names)}, or a repository or folder"
        )
    if kind == "separation":
        published = sorted(f.name[:-5] for f in (files("demucs") / "remote").iterdir() if f.name.endswith(".yaml"))
        if name not in published:
            raise MissingWeights(
                f"separation.model = {name}: Demucs knows {', '.join(published)}, or a repository or folder"
            )
        from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

        return f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    short = "".join(f"{p.name}, " for p in PUBLISHED if p.kind == kind and "/" not in p.name)
    raise MissingWeights(f"{kind} model {name}: name {short}a hub repository (owner/name), a file or a folder")


def _find_owner(kind: Kind, name: str) -> WeightsFormat | None:
    """The format of another engine that knows this short name, or this repository by a short name."""
    return next((r for r in list_rivals(kind) if name in r.names or name in r.names.values()), None)


def _describe_local(wanted: WeightsFormat) -> str:
    files = " or ".join(f"a {suffix} file" for suffix in wanted.suffixes)
    return " or ".join(filter(None, [files, "a folder"]))


def list_short_names(setting: str) -> tuple[str, ...]:
    """Names of weights that this setting may have beside repositories and paths.

    >>> list_short_names("diarization.embedding_model")
    ('campplus', 'demo:speaker')
    """
    formats = [each for each in list_formats() if each.setting == setting]
    kinds = {each.kind for each in formats}
    names = [AUTO] if any(each.defaults for each in formats) else []
    names += [name for each in formats for name in each.names]
    names += [p.name for p in PUBLISHED if p.kind in kinds and "/" not in p.name]
    names += [name for name, kind in DEMO_KINDS.items() if kind in kinds]
    return tuple(dict.fromkeys(names))


def pin_revision(repository: str) -> str:
    """Append the commit that this project pins to a repository, unless the name has a revision.

    >>> pin_revision("someone/voice"), pin_revision("adefossez/HTDemucs@main")
    ('someone/voice', 'adefossez/HTDemucs@main')
    """
    known = PINNED.get(repository)
    return f"{repository}@{known}" if known else repository
