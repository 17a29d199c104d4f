"""The registry of engines, by step: the name in the settings -> where its `EngineSpec` is.

To add an engine, write a module with a `SPEC` (`spec.py`) and add its line here; or, in another distribution, declare
an entry point of the step's group that points at the `SPEC`:

    [project.entry-points."daylong.recognisers"]
    my-engine = "my_package.engine:SPEC"

Modules of engines are imported when first asked for, and import no package of an engine themselves.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tasks.engines.spec import EngineSpec, Step, WeightsFormat
from tasks.errors import UsageError

log = logging.getLogger("daylong.engines")

BUILT_IN: dict[Step, dict[str, str]] = {
    "transcription": {
        "faster-whisper": "tasks.transcription.whisper:SPEC",
        "whisper-cpp": "tasks.transcription.whisper_cpp:SPEC",
        "mlx-whisper": "tasks.transcription.mlx_whisper:SPEC",
        "onnx": "tasks.transcription.onnx:SPEC",
        "parakeet": "tasks.transcription.parakeet:SPEC",
        "qwen3-asr": "tasks.transcription.qwen3_asr:SPEC",
        "openai": "tasks.transcription.openai:SPEC",
    },
    "diarization": {
        "clustering": "tasks.diarization.clustering:SPEC",
        "segmentation": "tasks.diarization.segmentation:SPEC",
        "sortformer": "tasks.diarization.sortformer:SPEC",
        "nemotron": "tasks.diarization.nemotron:SPEC",
    },
    "embedding": {
        "nemo": "tasks.diarization.speaker_model:SPEC",
        "campplus": "tasks.diarization.campplus:SPEC",
    },
    "alignment": {
        "qwen3": "tasks.alignment.qwen3:SPEC",
        "ctc": "tasks.alignment.ctc:SPEC",
    },
}

GROUPS: dict[Step, str] = {
    "transcription": "daylong.recognisers",
    "diarization": "daylong.diarizers",
    "embedding": "daylong.speaker_models",
    "alignment": "daylong.aligners",
}
"""Groups of entry points through which other distributions add engines."""


def list_names(step: Step) -> tuple[str, ...]:
    """Names of a step's engines: ours, then those of other distributions."""
    return *BUILT_IN[step], *_find_entry_points(step)


def find(step: Step, name: str) -> EngineSpec:
    """The spec of an engine. Raises UsageError, with the names that there are, for an unknown one; and for one of
    another distribution whose module can't be loaded."""
    if name in BUILT_IN[step]:
        return load_object(BUILT_IN[step][name])  # type: ignore[no-any-return]
    point = _find_entry_points(step).get(name)
    if point is None:
        raise UsageError(f"{step}.engine = {name}: there are {', '.join(list_names(step))}")
    return _load_entry_point(step, point)


def list_specs(step: Step) -> list[EngineSpec]:
    """The specs of a step's engines; of other distributions without those that can't be loaded, which it warns of."""
    return [*_built_in(step), *_third_party(step)]


def list_formats(step: Step | None = None) -> Iterator[WeightsFormat]:
    """The formats of weights that the engines of a step read; of all steps without one."""
    for each in (step,) if step else BUILT_IN:
        for spec in list_specs(each):
            yield from spec.weights


def load_object(where: str) -> Any:
    """Import `module:attribute`."""
    module, _, attribute = where.partition(":")
    return getattr(importlib.import_module(module), attribute)


def clear() -> None:
    """Forget the specs, and which other distributions are installed."""
    _built_in.cache_clear()
    _find_entry_points.cache_clear()
    _third_party.cache_clear()


@lru_cache
def _built_in(step: Step) -> tuple[EngineSpec, ...]:
    return tuple(load_object(where) for where in BUILT_IN[step].values())


@lru_cache
def _third_party(step: Step) -> tuple[EngineSpec, ...]:
    found = []
    for point in _find_entry_points(step).values():
        try:
            found.append(_load_entry_point(step, point))
        except UsageError as error:
            log.warning("%s", error)
    return tuple(found)


@lru_cache
def _find_entry_points(step: Step) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUPS[step]) if point.name not in BUILT_IN[step]}


def _load_entry_point(step: Step, point: EntryPoint) -> EngineSpec:
    try:
        spec = point.load()
    except Exception as error:  # whatever a module of somebody else's raises
        raise UsageError(
            f"{step}.engine = {point.name}: {point.value} can't be loaded ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(spec, EngineSpec) or (spec.step, spec.name) != (step, point.name):
        raise UsageError(f"{step}.engine = {point.name}: {point.value} is no EngineSpec of {step} with this name")
    if step != "transcription" and spec.settings.model_fields:
        raise UsageError(f"{step}.engine = {point.name}: only recognisers may have settings of their own")
    return spec
