"""What exports remember of the last transcript, where two runs share a process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from tasks.canonical import cache_last
from tasks.records import Transcript
from tests.helpers.sample_transcripts import make_meeting


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_a_thread_never_gets_what_was_made_of_another_s_transcript() -> None:
    @cache_last
    def make(transcript: Transcript) -> str:
        return transcript.run.run_id

    wrong: list[str] = []

    def ask(name: str) -> None:
        transcript = make_meeting(name)
        for _ in range(3_000):
            if (made := make(transcript)) != name:
                wrong.append(made)

    threads = [threading.Thread(target=ask, args=(f"run-{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
