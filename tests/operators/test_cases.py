"""Each case of `python -m tests.operators` comes out as it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operators.__main__ import list_cases
from tests.operators.case import Case


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.kind}: {case.what}", marks=[pytest.mark.slow] if case.slow else [])
        for case in list_cases()
    ],
)
def test_what_comes_of_it_is_right(tmp_path: Path, case: Case) -> None:
    assert case.right in case.try_in(tmp_path)
