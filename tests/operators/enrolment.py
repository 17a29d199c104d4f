"""Files that are enrolled as somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.speakers.corrections import enter_corrections, make_enrolment
from flows.speakers.published import make_match_rule
from tasks.settings.schema import Settings
from tasks.voices.store import read_current_registry
from tests.helpers.voices_home import VoicesHome
from tests.operators.case import Case


def enrol_twice(folder: Path) -> str:
    """Enrol one file under two names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(folder))
        store = VoicesHome(folder).voices
        heard = next(iter(read_current_registry(store).hearings.values()))
        file = heard._replace(
            hearing_id="file", out="", source_name="ada.wav", speaker="", by="enrolled", voice_id=""
        )
        rule = make_match_rule(Settings())
        enter_corrections(store, "enroll", make_enrolment(file, "Ada", rule))
        enter_corrections(store, "enroll", make_enrolment(file, "Berta", rule))
    return "enrolled twice"


CASES = (
    Case("enrolment", "one file under a second name", "a.wav: this sound is enrolled already, as Ada", enrol_twice),
)
