"""What all tests share. Nothing here stands in for an engine."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# Small models on a busy machine: threads that wait for each other cost ten times what they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines are noisy: how long an example takes says nothing about the code.
hypothesis.settings.register_profile(
    "daylong", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=60
)
hypothesis.settings.load_profile("daylong")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real voices and meetings that are not part of this repository; DAYLONG_TEST_DATA says where they are."""
    folder = Path(os.environ.get("DAYLONG_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real recordings are not on this machine (DAYLONG_TEST_DATA names their folder)")
    return folder


@pytest.fixture(scope="session")
def demo_models() -> Path:
    """The folder of the bundled small weights."""
    return ROOT / "data" / "models" / "demo"
