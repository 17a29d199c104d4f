"""Puts the settings together from their sources, and refuses wrong ones by name.

Later over earlier: defaults, profile, what suits the chosen weights (`profiles.MODEL_SETTINGS`), `daylong.toml`,
environment (`.env` under the real environment), a flow's parameters, the command line's `--set`. Any of the last four
may choose the profile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from tasks.errors import UsageError
from tasks.settings import files
from tasks.settings.engine_choice import list_fields
from tasks.settings.home import home
from tasks.settings.profiles import model_settings, profile_settings
from tasks.settings.schema import Settings, TranscriptionSettings

PREFIX = "DAYLONG_"

NOT_SETTINGS = {"DAYLONG_HOME", "DAYLONG_TEST_DATA"}

LONGEST_SHOWN = 80
"""Characters of a wrong value that a message shows."""
UNBUILT = {
    "runner": {"processes"},
    "separation.mode": {"auto"},
}
"""Values of settings whose feature doesn't exist yet, with their public names."""


def load(
    parameters: Mapping[str, Any] | None = None,
    assignments: Iterable[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings of a run.

    `parameters`: nested, what a flow or command was given (None values mean "not given").
    `assignments`: `KEY=VALUE` strings of `--set`, with dotted keys. `folder`: where `daylong.toml` and `.env` are
    looked for; default `DAYLONG_HOME`. Raises `UsageError` with a line for each wrong setting.
    """
    folder = home() if folder is None else folder
    toml, dotenv = (folder / name for name in files.NAMES)
    layers = [
        files.read_toml(toml, files.read_bytes(toml)),
        _environment(files.read_dotenv(dotenv, files.read_bytes(dotenv))),
        _environment(files.capitalise(dict(os.environ if environment is None else environment))),
        _given(parameters or {}),
        _assigned(assignments),
    ]
    named: dict[str, Any] = {}
    for layer in layers:
        named = merged(named, layer)
    profile = named.get("profile", "standard")
    under = profile_settings(profile) if isinstance(profile, str) else {}
    for suited in model_settings(merged(under, named)):
        under = merged(under, suited)
    under = _without_foreign(under, named)
    combined = merged(under, named)
    _refuse_unbuilt(combined)
    try:
        return Settings.model_validate(combined)
    except ValidationError as error:
        raise UsageError("\n".join(_explained(error))) from None


def _without_foreign(under: dict[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile sets, without what it sets for another recogniser than the one that is named."""
    chosen, own = named.get("transcription"), under.get("transcription", {})
    usual = own.get("engine", TranscriptionSettings.model_fields["engine"].default)
    if isinstance(chosen, Mapping) and chosen.get("engine", usual) != usual:
        return {key: value for key, value in under.items() if key != "transcription"}
    return under


def check(parameters: Mapping[str, Any]) -> Settings:
    """The settings that nested parameters alone give, without files and environment. Raises `UsageError`."""
    try:
        return Settings.model_validate(_given(parameters))
    except ValidationError as error:
        raise UsageError("\n".join(_explained(error))) from None


def as_parameters(parameters: Mapping[str, Any], assignments: Iterable[str] = ()) -> dict[str, Any]:
    """What a command line gives, nested and without what it leaves alone: a flow's parameter `settings`.

    >>> as_parameters({"profile": "demo", "out": None}, ["transcription.beam_size=1"])
    {'profile': 'demo', 'transcription': {'beam_size': '1'}}
    """
    return merged(_given(parameters), _assigned(assignments))


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings put together, `over` winning.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    out = dict(under)
    for key, value in over.items():
        below = out.get(key)
        out[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return out


def _environment(variables: Mapping[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, text in sorted(variables.items()):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and text != "":
            out = merged(out, _nested(name.removeprefix(PREFIX).lower().split("__"), _value(text)))
    return out


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            value = _given(value)
            if not value:
                continue
        if value is not None:
            out[key] = value
    return out


def _assigned(assignments: Iterable[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {assignment}: write KEY=VALUE, for example --set transcription.beam_size=1")
        out = merged(out, _nested(key.strip().lower().split("."), _value(text.strip())))
    return out


def _value(text: str) -> Any:
    # Text stays text: pydantic turns "5" and "true" into what the field asks for. Only "nothing" needs a spelling.
    return None if text.lower() in {"none", "null"} else text


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _refuse_unbuilt(combined: Mapping[str, Any]) -> None:
    for name, values in UNBUILT.items():
        found: Any = combined
        for key in name.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is None:
            continue
        if found in values:
            raise UsageError(f"{name} = {found}: not built yet")


def _explained(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        given = problem.get("input")
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name}: there is no such setting{_nearest(name)}")
        elif problem["type"] == "value_error":
            lines.append(str(problem["msg"]).removeprefix("Value error, "))
        else:
            shown = json.dumps(given, default=str, ensure_ascii=False)
            if len(shown) > LONGEST_SHOWN:
                shown = f"{shown[:LONGEST_SHOWN]}…"
            lines.append(f"{name} = {shown}: {problem['msg'][0].lower()}{problem['msg'][1:]}")
    return lines


def _nearest(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, setting_names(), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def setting_names() -> list[str]:
    """Dotted names of all settings."""
    names = []
    for name, field in Settings.model_fields.items():
        names += [f"{name}.{key}" for key in list_fields(field.annotation)] or [name]
    return names


def find_field(name: str) -> FieldInfo:
    """The field of a setting, by its dotted name."""
    group, _, key = name.partition(".")
    field = Settings.model_fields[group]
    return list_fields(field.annotation)[key] if key else field


def settings_table() -> str:
    """All settings as a Markdown table, for README.md beside this module."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for name in setting_names():
        field = find_field(name)
        shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
        default = "" if shown is None else f"`{shown}`"
        lines.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
