"""The settings as a form: every field may be left alone, which means "not given".

The Prefect UI makes its form from this class; what the form leaves alone keeps what the file and the environment
say. Descriptions, ranges and choices are those of `tasks.settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from tasks.settings import Settings


def optional(model: type[BaseModel], name: str) -> type[BaseModel]:
    """A copy of `model` whose fields, nested ones too, may all be absent (None)."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = optional(kind, f"{kind.__name__.removesuffix('Settings')}Form")
        elif field.metadata:
            kind = Annotated[kind, *field.metadata]
        fields[key] = (kind | None, Field(None, description=field.description, title=key))
    made: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid", frozen=True), __doc__=model.__doc__, **fields
    )
    return made


if TYPE_CHECKING:
    SettingsForm = BaseModel
else:
    SettingsForm = optional(Settings, "SettingsForm")


def given(form: BaseModel | dict[str, Any] | None) -> dict[str, Any]:
    """What the form says, without what it leaves alone."""
    if form is None:
        return {}
    if isinstance(form, BaseModel):
        return form.model_dump(exclude_none=True)
    return form
