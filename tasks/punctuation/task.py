"""The step `punctuation`: a chunk's words with their marks and capitals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.caching import step_task
from tasks.contracts import PunctuationFacts, read_words, transcription_facts
from tasks.engines.engine import Engine
from tasks.punctuation.apply import languages_of, punctuated, wants_punctuation
from tasks.settings.schema import PunctuationSettings
from tasks.step import Manifest, Meter, StepContext
from tasks.weights.resolve import ResolvedWeights


@dataclass(frozen=True, slots=True)
class PunctuateJob:
    """`language`: the recording's; None where each chunk has its own."""

    language: str | None
    settings: PunctuationSettings
    weights: ResolvedWeights

    def identity(self) -> dict[str, Any]:
        """What it adds to a cache key: not what the weights are called, but what follows from that."""
        return {
            "language": self.language,
            "mode": self.settings.mode,
            "languages": sorted(languages_of(self.settings.model)),
            "weights": self.weights.identity(),
        }


@step_task("punctuation", version=1)
def punctuate(job: PunctuateJob, place: StepContext, transcribed: Manifest) -> Manifest:
    """Artifact `words`, as `transcribed` has them, punctuated where the settings ask for it."""
    meter = Meter()
    words = read_words(place.store, transcribed)
    language = job.language or transcription_facts(transcribed)["language"]
    if not wants_punctuation(words, language, job.settings.mode, languages_of(job.settings.model)):
        return meter.manifest(dict(transcribed["artifacts"]), **PunctuationFacts(punctuated=False))
    model = Engine.of(
        "punctuation/deepmultilingualpunctuation",
        "tasks.punctuation.model:load",
        model=str(job.weights.path),
        device=place.device,
    )
    labels = meter.ask(model, "restore", [w.text for w in words])
    marked = punctuated(words, labels, language)
    return meter.manifest(
        {"words": place.store.put_records("punctuation", marked)}, **PunctuationFacts(punctuated=True)
    )
