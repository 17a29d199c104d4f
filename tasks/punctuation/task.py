"""The step `punctuation`: add punctuation and capitals to a chunk's words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from tasks.caching import step_task
from tasks.contracts import PunctuationFacts, read_words, transcription_facts
from tasks.engines.engine import Engine
from tasks.errors import MissingWeights
from tasks.punctuation.apply import apply_labels, get_languages, wants_punctuation
from tasks.settings.schema import PunctuationSettings
from tasks.step import Manifest, StepContext
from tasks.weights.resolve import DeferredWeights, ResolvedWeights

log = logging.getLogger("daylong.punctuation")


@dataclass(frozen=True, slots=True)
class PunctuateJob:
    """`language`: ISO 639-1 code of the recording; None where each chunk has its own. `weights`: None where they
    can't be had."""

    language: str | None
    settings: PunctuationSettings
    weights: ResolvedWeights | DeferredWeights | None
    engine_punctuates: bool = False
    """Whether the recogniser is known to punctuate; where it isn't, its text decides."""

    def identity(self) -> dict[str, Any]:
        """The job's part of a cache key: the languages that follow from the weights' name, instead of the name."""
        return {
            "language": self.language,
            "mode": self.settings.mode,
            "languages": sorted(get_languages(self.settings.model)),
            "engine_punctuates": self.engine_punctuates,
            "weights": self.weights.identity() if self.weights else None,
        }


@step_task("punctuation", version=2)
def punctuate(job: PunctuateJob, place: StepContext, transcribed: Manifest) -> Manifest:
    """Punctuate a chunk's words if the settings ask for it. Artifact `words`; otherwise that of `transcribed`.

    Where deferred weights can't be fetched after all, the text stays as it is, and the next run tries again.
    """
    meter = place.meter()
    words = read_words(place.store, transcribed)
    language = job.language or transcription_facts(transcribed)["language"]
    known = get_languages(job.settings.model)
    if not wants_punctuation(words, language, job.settings.mode, known, job.engine_punctuates):
        return meter.manifest(dict(transcribed["artifacts"]), **PunctuationFacts(punctuated=False))
    if job.weights is None:
        facts = PunctuationFacts(punctuated=False, unavailable=True)
        return meter.manifest(dict(transcribed["artifacts"]), **facts)
    try:
        weights = job.weights.obtain() if isinstance(job.weights, DeferredWeights) else job.weights
    except MissingWeights as error:
        log.debug("punctuation is left out: %s", error)
        facts = PunctuationFacts(punctuated=False, unavailable=True, provisional=True)
        return meter.manifest(dict(transcribed["artifacts"]), **facts)
    model = Engine.of(
        "punctuation/deepmultilingualpunctuation",
        "tasks.punctuation.model:load",
        model=str(weights.path),
        device=place.device,
    )
    labels = meter.ask(model, "restore", [w.text for w in words])
    marked = apply_labels(words, labels, language)
    return meter.manifest(
        {"words": place.store.put_records("punctuation", marked)}, **PunctuationFacts(punctuated=True)
    )
