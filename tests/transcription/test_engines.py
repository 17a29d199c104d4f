"""Which recogniser is loaded, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.engines import engine


@pytest.mark.parametrize(
    ("compute_type", "device", "used"),
    [("auto", "cpu", "int8"), ("auto", "cuda", "float16"), ("float32", "cpu", "float32")],
)
def test_arithmetic_suits_the_device_unless_it_is_chosen(compute_type: str, device: str, used: str) -> None:
    settings = TranscriptionSettings.model_validate({"compute_type": compute_type})
    built = engine(settings, Path("/weights"), device)  # type: ignore[arg-type]
    options = dict(built.options)
    assert (options["model"], options["device"], options["compute_type"]) == ("/weights", device, used)


def test_decoding_settings_do_not_make_another_engine() -> None:
    one = engine(TranscriptionSettings(beam_size=1), Path("/weights"), "cpu")
    other = engine(TranscriptionSettings(beam_size=5, language="de"), Path("/weights"), "cpu")
    assert one == other
