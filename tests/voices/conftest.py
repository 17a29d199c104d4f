"""Forgetting looks into the cache: into one that is nobody's."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(tmp_path_factory.mktemp("home")))
        yield
