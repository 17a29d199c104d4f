"""The form in Prefect's UI: no value by default, each field described, wrong values refused."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.form import SHORT_NAMES, SettingsForm, read_form
from flows.process_recording import process_recording
from tasks.settings.load import find_field, setting_names

SCHEMA: dict[str, Any] = process_recording.parameters.model_dump_for_openapi()


def fields() -> dict[str, dict[str, Any]]:
    """Every field of the settings, by its dotted name, as the UI gets it."""
    definitions = SCHEMA["definitions"]
    out = {}
    for name, field in definitions["SettingsForm"]["properties"].items():
        inner = definitions.get(field.get("$ref", "").rpartition("/")[2])
        if inner is None:
            out[name] = field
        else:
            out |= {f"{name}.{key}": each for key, each in inner["properties"].items()}
    return out


def test_form_has_exactly_the_settings() -> None:
    assert set(fields()) == set(setting_names())


@pytest.mark.parametrize("name", setting_names())
def test_field_has_a_description_and_no_value_that_the_ui_would_send(name: str) -> None:
    field = fields()[name]
    assert len(field["description"]) > 5
    assert "default" not in field
    assert "const" not in field
    assert field.get("type") != "boolean"  # a switch is never left alone
    assert "anyOf" not in field  # a choice of "None" would have to be made first


@pytest.mark.parametrize("name", setting_names())
def test_description_has_the_default_and_the_range(name: str) -> None:
    field = find_field(name)
    shown = fields()[name]
    if field.default is not None:
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert f" [{default.removesuffix('.0')}" in shown["description"]
    for bound in ("minimum", "maximum"):
        if bound in shown:
            assert f"{shown[bound]:g}" in shown["description"]


def test_only_the_source_is_required() -> None:
    assert SCHEMA["required"] == ["source"]
    # What the UI fills in by itself, and how it checks that
    assert SCHEMA["properties"]["settings"]["default"] == {}
    assert SCHEMA["properties"]["together"]["default"] == []
    whole = jsonschema.Draft202012Validator(SCHEMA)
    assert whole.is_valid({"source": "x", "settings": {}, "together": []})
    assert not whole.is_valid({"source": "", "settings": {}})
    for definition in SCHEMA["definitions"].values():
        assert not definition.get("required")


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("transcription.model", "small", True),
        ("transcription.model", "auto", True),
        ("transcription.model", "Systran/faster-whisper-medium@main", True),
        ("transcription.model", "/models/my own", True),
        ("transcription.model", "./model", True),
        ("transcription.model", "demo:whisper", True),
        ("transcription.model", "whisper-small", False),
        ("transcription.model", "largev3", False),
        ("transcription.model", "tinyXen", False),
        ("diarization.embedding_model", "nvidia/speakerverification_en_titanet_large", True),
        ("diarization.embedding_model", "voice.nemo", True),
        ("diarization.embedding_model", "titanet_large", False),
        ("punctuation.model", "demo:punctuation", True),
        ("punctuation.model", "fullstop", False),
    ],
)
def test_pattern_rejects_unknown_model_names(name: str, value: str, fits: bool) -> None:
    assert bool(re.search(fields()[name]["pattern"], value)) == fits
    assert jsonschema.Draft202012Validator(fields()[name]).is_valid(value) == fits


def test_default_fits_the_pattern() -> None:
    for name in SHORT_NAMES:
        assert re.search(fields()[name]["pattern"], find_field(name).default), name


@given(st.sampled_from([None, {}, {"transcription": {}}, {"transcription": {"model": None}, "profile": None}]))
def test_absent_fields_give_no_parameters(sent: dict[str, Any] | None) -> None:
    from tasks.settings.load import as_parameters

    assert as_parameters(read_form(SettingsForm.model_validate(sent) if sent is not None else None)) == {}
