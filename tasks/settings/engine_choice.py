"""Settings of a step that has several engines: those that all share, and those of the chosen engine alone.

An engine's own settings (`EngineSpec.settings`) stand beside the shared ones, `transcription.NAME`; each is checked
by the class of the engine that `engine` names, as a member of a union told apart by it. A setting that the engine
doesn't have is refused, with the engines that do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic.fields import FieldInfo

from tasks.engines import registry
from tasks.engines.spec import EngineSpec, Step
from tasks.errors import UsageError


class EngineChoice(BaseModel):
    """A frozen group of settings with an engine. Of the engine's own settings it holds those that differ from their
    defaults, so that keys and digests of others stay what they are."""

    model_config = ConfigDict(frozen=True, extra="allow")
    step: ClassVar[Step]
    no_engine: ClassVar[tuple[str, ...]] = ()
    """Values of `engine` beside the engines' names."""
    shared: ClassVar[Mapping[str, str]] = {}
    """Settings that not all engines take -> the field of `Capabilities` that says which do."""

    engine: str

    @model_validator(mode="before")
    @classmethod
    def _read_own(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        extra = {key: value for key, value in given.items() if key not in cls.model_fields}
        if not extra:
            return given
        name = given.get("engine", cls.model_fields["engine"].default)
        spec = _find(cls.step, name) if isinstance(name, str) else None
        known = spec.settings.model_fields if spec else {}
        for key in extra.keys() - known.keys():
            if having := [each.name for each in registry.list_specs(cls.step) if key in each.settings.model_fields]:
                raise ValueError(_explain_foreign(cls.step, key, str(name), having))
        if spec is None:  # the error is the engine's name
            return {key: value for key, value in given.items() if key in cls.model_fields}
        own = spec.settings.model_validate(extra)
        return {key: value for key, value in given.items() if key not in extra} | own.model_dump(
            exclude_defaults=True
        )

    @field_validator("engine")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in cls.no_engine:
            try:
                registry.find(cls.step, name)
            except UsageError:
                names = ", ".join(list_engines(cls))
                shown = json.dumps(name, ensure_ascii=False)
                raise ValueError(f"{cls.step}.engine = {shown}: there are {names}") from None
        return name

    @model_validator(mode="after")
    def _refuse_foreign(self) -> EngineChoice:
        asked = {key for key in self.model_fields_set & self.shared.keys() if getattr(self, key) is not None}
        if not asked or (spec := _find(self.step, self.engine)) is None:
            return self
        for key in sorted(asked):
            if not getattr(spec.capabilities, self.shared[key]):
                having = [s.name for s in registry.list_specs(self.step) if getattr(s.capabilities, self.shared[key])]
                raise ValueError(_explain_foreign(self.step, key, self.engine, having))
        precision = getattr(self, "compute_type", "auto")
        if precision not in ("auto", *spec.capabilities.precisions) and "compute_type" in asked:
            raise ValueError(
                f"{self.step}.compute_type = {precision}: {self.engine} takes auto, "
                f"{', '.join(spec.capabilities.precisions)}"
            )
        return self

    def list_foreign(self) -> set[str]:
        """Shared settings that the engine does not take."""
        spec = _find(self.step, self.engine)
        return {key for key, field in self.shared.items() if spec and not getattr(spec.capabilities, field)}


def list_engines(group: type[EngineChoice]) -> tuple[str, ...]:
    """Values that `engine` may have."""
    return *registry.list_names(group.step), *group.no_engine


def list_fields(group: Any) -> dict[str, FieldInfo]:
    """The fields of a group of settings; of one with engines, with these in the description of `engine`, and with the
    engines' own settings. None of what is no group."""
    if not isinstance(group, type) or not issubclass(group, BaseModel):
        return {}
    fields = dict(group.model_fields)
    if not issubclass(group, EngineChoice):
        return fields
    specs = registry.list_specs(group.step)
    listed = [*(f"{s.name} ({s.summary})" for s in specs), *group.no_engine]
    fields["engine"] = _describe(fields["engine"], f"{fields['engine'].description}: {_join(listed, 'or')}.")
    own: dict[str, tuple[FieldInfo, list[str]]] = {}
    for spec in specs:
        for key, field in spec.settings.model_fields.items():
            own.setdefault(key, (field, []))[1].append(spec.name)
    return fields | {
        key: _describe(field, f"{field.description} For {_join(names)}.") for key, (field, names) in own.items()
    }


def _describe(field: FieldInfo, description: str) -> FieldInfo:
    described = copy(field)
    described.description = description
    return described


def _find(step: Step, name: str) -> EngineSpec | None:
    try:
        return registry.find(step, name)
    except UsageError:
        return None


def _explain_foreign(step: Step, key: str, name: str, having: list[str]) -> str:
    return f"{step}.{key}: {name} has no such setting; {_join(having)} {'has' if len(having) == 1 else 'have'}"


def _join(names: list[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no engine"
