"""How quick the report of a whole day is: a bound that only a fault passes."""

from __future__ import annotations

import pytest

from tests.benchmarks.report import EDIT_LIMIT_MS, LIMIT_MS, main

pytestmark = pytest.mark.slow


def test_a_day_is_seen_within_two_seconds_and_edited_at_once() -> None:
    for figures in main([]).values():
        assert figures["first_view_ms"] < LIMIT_MS
        assert figures["edit_ms"] < EDIT_LIMIT_MS
        assert figures["written_s"] < 30
        assert figures["megabytes"] < 6
