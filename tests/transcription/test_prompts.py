"""A text that is the prompt is noticed in any script, and one that holds some of its words is not."""

from __future__ import annotations

import pytest

from tasks.intervals import Span
from tasks.transcription.prompts import echoes_prompt
from tasks.transcription.words import DecodedWord, clean_words

STRETCH = Span(0.0, 30.0)


def decode(text: str) -> list[DecodedWord]:
    pieces = [{"word": f" {t}", "start": None, "end": None, "probability": 0.4, "stretch": 0} for t in text.split()]
    return clean_words(pieces, [STRETCH], STRETCH)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Kubernetes Grafana Istio Helm", "Kubernetes, Grafana, Istio, Helm."),
        ("Kubernetes,Grafana,Istio,Helm", "Kubernetes Grafana Istio Helm"),
        ("北京 上海 广州 深圳 重庆", "北京、上海、广州、深圳。"),
        ("東京、大阪、名古屋、札幌", "東京大阪名古屋札幌"),
        ("กรุงเทพ เชียงใหม่ ภูเก็ต", "กรุงเทพเชียงใหม่ภูเก็ต"),
        ("Київ Львів Одеса Харків", "Київ, Львів, Одеса, Харків."),
    ],
)
def test_the_prompt_as_the_text_is_an_echo(prompt: str, text: str) -> None:
    assert echoes_prompt(decode(text), prompt)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("北京 上海 广州", "我们明天去北京开会，然后回家。"),
        ("北京 上海 广州", "北京"),
        ("Kubernetes Grafana", "Kubernetes"),
        ("Kubernetes Grafana", "We run Kubernetes and Grafana on our own machines."),
        ("", "Well, that is that."),
    ],
)
def test_other_text_is_none(prompt: str, text: str) -> None:
    assert not echoes_prompt(decode(text), prompt)
