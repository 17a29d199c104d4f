"""The settings as a form: every field may be left alone, which means "not given".

The Prefect UI makes its form from this class; what the form leaves alone keeps what the file and the environment
say. Descriptions, ranges and choices are those of `tasks.settings.schema`. The UI fills in the defaults it is told,
and sends what is filled in: so defaults stand in the descriptions alone.
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

from tasks.settings.schema import Settings

WHISPER = (
    "tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium", "large-v1", "large-v2",
    "large-v3", "large", "distil-large-v2", "distil-medium.en", "distil-small.en", "distil-large-v3",
    "distil-large-v3.5", "large-v3-turbo", "turbo",
)  # fmt: skip
"""Short names that faster-whisper knows; a test compares them with its own list."""

SHORT: dict[str, tuple[str, ...]] = {
    "transcription.model": ("auto", *WHISPER, "demo:whisper"),
    "diarization.model": (),
    "diarization.embedding_model": ("demo:speaker",),
    "punctuation.model": ("demo:punctuation",),
}
"""Settings that name weights -> the names that are neither of the hub nor of a place."""
PLACE = r"[^/\s]+/\S.*|[./~].*|.*\.nemo"
"""A repository of the hub (owner/name), a folder or a file."""


class Form(BaseModel):
    """A group of fields. As JSON it has what was filled in, and nothing of what was left alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _filled_in(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dump(self).items() if value is not None}


def optional(model: type[BaseModel], name: str, group: str = "") -> type[BaseModel]:
    """A copy of `model` whose fields, nested ones too, may all be absent (None)."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        kind: Any = field.annotation
        told = field.description or ""
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = optional(kind, f"{kind.__name__.removesuffix('Settings')}Form", f"{key}.")
        else:
            told += _bracket(field)
            if field.metadata:
                kind = Annotated[kind, *field.metadata]
        fields[key] = (
            kind | None,
            Field(None, description=told, title=key, json_schema_extra=_without_null(SHORT.get(group + key))),
        )
    made: type[BaseModel] = create_model(name, __base__=Form, __doc__=model.__doc__, **fields)
    return made


def _bracket(field: FieldInfo) -> str:
    """A field's default and range, as its description ends: `[2; 1–64]`."""
    default = field.default
    shown = default if isinstance(default, str) else json.dumps(default).removesuffix(".0")
    told = [] if default is None else [shown]
    bounds = {name: getattr(each, name) for each in field.metadata for name in ("ge", "le") if hasattr(each, name)}
    if bounds:
        told.append("–".join(f"{bounds[name]:g}" for name in ("ge", "le") if name in bounds))
    return f" [{'; '.join(told)}]" if told else ""


def _without_null(short: tuple[str, ...] | None = None) -> Callable[[dict[str, Any]], None]:
    """Makes a field's schema that of the value alone, so that the UI asks for it and not first for its type."""

    def change(schema: dict[str, Any]) -> None:
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        schema.pop("default", None)
        if len(kinds) == 1:
            schema.update(kinds[0])
        if schema.get("type") == "boolean":  # the UI's switch is never left alone, and says false
            del schema["type"]
            schema["enum"] = [True, False]
        if "const" in schema:  # the UI would send it unasked
            schema["enum"] = [schema.pop("const")]
        if short is not None:
            names = [name.replace(".", r"\.") for name in short]
            schema["pattern"] = f"^({'|'.join([*names, PLACE])})$"

    return change


class LeftAlone:
    """Marks a flow's parameter that may be None: its form asks for the value alone.

    Its default must not be None: the UI would fill that in, and then find it to be no such value.
    """

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        _without_null()(schema)
        return schema


if TYPE_CHECKING:
    SettingsForm = BaseModel
else:
    SettingsForm = optional(Settings, "SettingsForm")

NOTHING = SettingsForm()
"""A form that was left alone."""


def given(form: BaseModel | dict[str, Any] | None) -> dict[str, Any]:
    """What the form says, without what it leaves alone."""
    if form is None:
        return {}
    if isinstance(form, BaseModel):
        return form.model_dump(exclude_none=True)
    return form
