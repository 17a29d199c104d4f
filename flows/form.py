"""The settings as a form in which every field is optional; an absent field means "not given".

The Prefect UI makes its form from this class; absent fields keep the values of the file and the environment.
Descriptions, ranges and choices are those of `tasks.settings.schema`. The UI fills in and sends the defaults in the
schema, so defaults are part of the descriptions alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from tasks.engines import registry
from tasks.settings.engine_choice import EngineChoice, list_engines, list_fields
from tasks.settings.schema import FAST, Settings
from tasks.weights.formats import list_suffixes
from tasks.weights.names import list_short_names

SHORT_NAMES = {
    setting: list_short_names(setting)
    for setting in (
        "transcription.model",
        "transcription.aligner_model",
        "diarization.model",
        "diarization.segmentation_model",
        "diarization.embedding_model",
        "punctuation.model",
    )
}
"""Settings that name weights -> the names that are neither repositories of the hub nor paths."""
CHOICES = {"transcription.aligner": (FAST, *registry.list_names("alignment"))}
"""Settings with these values alone, beside the engines of a group."""
SUFFIXES = "|".join(suffix.removeprefix(".") for suffix in list_suffixes())
REPOSITORY_OR_PATH = rf"[^/\s]+/\S.*|[./~].*|.*\.({SUFFIXES})"
"""Regular expression: a repository of the hub (owner/name), a folder or a file."""


class Form(BaseModel):
    """A group of optional fields. Its JSON has the fields that were given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _drop_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dump(self).items() if value is not None}


def make_optional(model: type[BaseModel], name: str, group: str = "") -> type[BaseModel]:
    """Make a copy of `model` whose fields, nested ones too, may all be absent (None)."""
    fields: dict[str, Any] = {}
    choices = dict(CHOICES)
    if issubclass(model, EngineChoice):
        choices[f"{group}engine"] = list_engines(model)
    for key, field in list_fields(model).items():
        kind: Any = field.annotation
        description = field.description or ""
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = make_optional(kind, f"{kind.__name__.removesuffix('Settings')}Form", f"{key}.")
        else:
            description += _format_default_and_range(field)
            if field.metadata:
                kind = Annotated[kind, *field.metadata]
        fields[key] = (
            kind | None,
            Field(
                None,
                description=description,
                title=key,
                json_schema_extra=_drop_null(SHORT_NAMES.get(group + key), choices.get(group + key, ())),
            ),
        )
    model_class: type[BaseModel] = create_model(name, __base__=Form, __doc__=model.__doc__, **fields)
    return model_class


def _format_default_and_range(field: FieldInfo) -> str:
    """Format a field's default and range for the end of its description: `[2; 1–64]`."""
    default = field.default
    shown = default if isinstance(default, str) else json.dumps(default).removesuffix(".0")
    parts = [] if default is None else [shown]
    bounds = {name: getattr(each, name) for each in field.metadata for name in ("ge", "le") if hasattr(each, name)}
    if bounds:
        parts.append("–".join(f"{bounds[name]:g}" for name in ("ge", "le") if name in bounds))
    return f" [{'; '.join(parts)}]" if parts else ""


def _drop_null(
    short: tuple[str, ...] | None = None, choices: tuple[str, ...] = ()
) -> Callable[[dict[str, Any]], None]:
    """Make the function that reduces a field's JSON schema to that of the value: the UI then asks for no type.

    `short`: names that a field for weights allows beside `REPOSITORY_OR_PATH`; `choices`: all that the field allows.
    """

    def change(schema: dict[str, Any]) -> None:
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        schema.pop("default", None)
        if len(kinds) == 1:
            schema.update(kinds[0])
        if schema.get("type") == "boolean":  # the UI's switch has no absent state: it would send false
            del schema["type"]
            schema["enum"] = [True, False]
        if "const" in schema:  # the UI would send it unasked
            schema["enum"] = [schema.pop("const")]
        if choices:
            schema["enum"] = list(choices)
        if short is not None:
            names = [name.replace(".", r"\.") for name in short]
            schema["pattern"] = f"^({'|'.join([*names, REPOSITORY_OR_PATH])})$"

    return change


class HideNull:
    """Annotation of a flow's parameter that may be None: its JSON schema is that of the value alone.

    The default must not be None: the UI would fill it in, and its own validation would reject it.
    """

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        _drop_null()(schema)
        return schema


if TYPE_CHECKING:
    SettingsForm = BaseModel
else:
    SettingsForm = make_optional(Settings, "SettingsForm")

EMPTY_FORM = SettingsForm()
"""A form without any field given."""


def read_form(form: BaseModel | dict[str, Any] | None) -> dict[str, Any]:
    """Read the fields that are given, nested as in the settings."""
    if form is None:
        return {}
    if isinstance(form, BaseModel):
        return form.model_dump(exclude_none=True)
    return form
