"""The formats of weights, by kind: which files an engine reads, and which suffixes a model of one file has.

Those of engines come from the registry; steps with one engine have theirs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tasks.engines import registry
from tasks.engines.spec import WeightsFormat

SEPARATION = WeightsFormat(
    kind="separation",
    setting="separation.model",
    maker="Demucs",
    patterns=("*.yaml", "*.safetensors"),
    essential=("*.safetensors",),
)
PUNCTUATION = WeightsFormat(
    kind="punctuation",
    setting="punctuation.model",
    maker="deepmultilingualpunctuation",
    patterns=(
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
    essential=("config.json", "*.safetensors"),
)


def list_formats() -> Iterator[WeightsFormat]:
    """All formats; those of one kind (a step's engines that read either of two files, say) one by one."""
    yield from registry.list_formats()
    yield from (SEPARATION, PUNCTUATION)


def find_format(kind: str) -> WeightsFormat:
    """The format of a kind: of several the first, with the files of all. Raises KeyError for an unknown kind.

    >>> find_format("embedding").suffixes
    ('.nemo', '.pt')
    """
    same = [each for each in list_formats() if each.kind == kind]
    if not same:
        raise KeyError(kind)
    return replace(
        same[0],
        patterns=tuple(dict.fromkeys(p for each in same for p in each.patterns)),
        essential=tuple(dict.fromkeys(e for each in same for e in each.essential)),
        suffixes=tuple(dict.fromkeys(s for each in same for s in each.suffixes)),
        names={name: repository for each in same for name, repository in each.names.items()},
    )


def list_rivals(kind: str) -> list[WeightsFormat]:
    """The formats that the same setting names for other engines."""
    own = find_format(kind)
    return [each for each in list_formats() if each.setting == own.setting and each.kind != kind]


def list_suffixes() -> tuple[str, ...]:
    """Suffixes of all models that are one file."""
    return tuple(dict.fromkeys(suffix for each in list_formats() for suffix in each.suffixes))


def find_engine(kind: str) -> str | None:
    """The name of the first engine that reads weights of a kind; None for steps with one engine."""
    for step in registry.BUILT_IN:
        for spec in registry.list_specs(step):
            if any(each.kind == kind for each in spec.weights):
                return spec.name
    return None
