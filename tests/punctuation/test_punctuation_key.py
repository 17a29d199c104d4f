"""What makes the key under which punctuated words are found again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tasks.caching import compute_step_key
from tasks.punctuation.task import PunctuateJob
from tasks.settings.schema import PunctuationSettings
from tasks.weights.resolve import DeferredWeights, ResolvedWeights

STANDARD = "oliverguhr/fullstop-punctuation-multilang-large"


def key(
    name: str = STANDARD, digest: str = "d", language: str | None = "en", mode: Literal["auto", "always"] = "auto"
) -> str:
    weights = ResolvedWeights("punctuation", name, Path("/cache") / name, digest)
    job = PunctuateJob(language, PunctuationSettings(model=name, mode=mode), weights)
    return compute_step_key("punctuation", 1, {"job": job})


def test_an_engine_that_punctuates_makes_another_key() -> None:
    jobs = [PunctuateJob("en", PunctuationSettings(), None, punctuates) for punctuates in (True, False)]
    assert len({compute_step_key("punctuation", 1, {"job": job}) for job in jobs}) == 2


def test_the_same_weights_are_known_by_whatever_path_they_were_asked_for() -> None:
    assert key() == key("/models/punctuation") == key("./moved/punctuation")


def test_weights_to_be_fetched_later_make_the_key_that_they_will_have() -> None:
    jobs = [
        PunctuateJob("en", PunctuationSettings(model=STANDARD), weights)
        for weights in (DeferredWeights("punctuation", STANDARD, "d"), None)
    ]
    later, never = [compute_step_key("punctuation", 1, {"job": job}) for job in jobs]
    assert later == key()
    assert never != later


def test_a_name_that_says_other_languages_makes_another_key() -> None:
    assert key() != key("demo:punctuation")


def test_other_weights_another_language_or_mode_make_other_keys() -> None:
    assert len({key(), key(digest="e"), key(language="de"), key(mode="always")}) == 4
