"""The step `translate`: a transcript's text in other languages. Its cache is by sentence (`memory.py`)."""

from __future__ import annotations

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.records import Transcript


class TranslationJob:
    """A transcript and what translates it. A plain class, so that Prefect doesn't walk through every word."""

    __slots__ = ("transcript", "translate")

    def __init__(self, transcript: Transcript, translate: Callable[[Transcript], Transcript]) -> None:
        self.transcript = transcript
        self.translate = translate


class TranslatedTranscript:
    """The result, plain for the same reason."""

    __slots__ = ("transcript",)

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript


@task(
    name="translate", task_run_name="translate", cache_policy=NO_CACHE, persist_result=False,
    cache_result_in_memory=False,
)  # fmt: skip
def translate_transcript(job: TranslationJob) -> TranslatedTranscript:
    """The transcript with its translations."""
    return TranslatedTranscript(job.translate(job.transcript))
