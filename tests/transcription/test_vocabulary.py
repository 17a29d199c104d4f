"""Terms that are to be expected reach each engine in its own way, and settings without them keep their keys."""

from __future__ import annotations

import pytest

from tasks.engines import registry
from tasks.engines.spec import Capabilities
from tasks.errors import UsageError
from tasks.settings.load import load
from tasks.settings.schema import Settings, TranscriptionSettings
from tasks.transcription.options import build_decoding_options

TERMS = ["Kubernetes", "Dr. Okafor"]


def options(can: Capabilities, **given: object) -> dict[str, object]:
    return build_decoding_options(TranscriptionSettings.model_validate({"vocabulary": TERMS, **given}), can)


def test_terms_are_hotwords_or_stand_in_the_prompt() -> None:
    both = options(Capabilities(prompt=True, hotwords=True), initial_prompt="A talk.", hotwords="Istio")
    assert (both["initial_prompt"], both["hotwords"]) == ("A talk.", "Istio Kubernetes, Dr. Okafor")
    prompt = options(Capabilities(prompt=True), initial_prompt="A talk.")
    assert prompt["initial_prompt"] == "A talk. Kubernetes, Dr. Okafor"


@pytest.mark.parametrize("given", ["Kubernetes, Dr. Okafor,Kubernetes", '["Kubernetes", "Dr. Okafor"]', TERMS])
def test_terms_are_a_list_or_text_with_commas(given: object) -> None:
    assert TranscriptionSettings.model_validate({"vocabulary": given}).vocabulary == tuple(TERMS)


def test_an_engine_that_takes_no_terms_is_named_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"vocabulary: parakeet has no such setting; faster-whisper"):
        load({}, ["transcription.engine=parakeet", "transcription.vocabulary=Istio"], environment={})
    assert not registry.find("transcription", "parakeet").capabilities.terms


def test_too_many_terms_are_refused() -> None:
    with pytest.raises(UsageError, match=r"vocabulary: longer than 1000 characters"):
        load({"transcription": {"vocabulary": [f"term-{i:04}" for i in range(150)]}}, environment={})


def test_keys_and_digests_know_them_only_where_they_are_given() -> None:
    plain, terms, replaced = (
        Settings.model_validate({"transcription": given})
        for given in ({}, {"vocabulary": TERMS}, {"replacements": "terms.txt"})
    )
    assert not {"vocabulary", "replacements", "allow_remote"} & plain.transcription.identity().keys()
    assert terms.transcription.identity() == plain.transcription.identity() | {"vocabulary": TERMS}
    assert replaced.transcription.identity() == plain.transcription.identity()  # they come after the step
    assert len({plain.digest(), terms.digest(), replaced.digest()}) == 3
