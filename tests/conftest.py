"""What all tests share. Nothing here stands in for an engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
