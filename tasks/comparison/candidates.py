"""What is to be compared, as the command line names it: `ENGINE[:MODEL][[KEY=VALUE,…]]`, several with commas between.

Pure. Keys are settings of `transcription`, shared ones and the engine's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.errors import UsageError

FORM = "write engine, engine:model or engine[compute_type=int8,beam_size=1]"
GROUP = "transcription."
ALONE = ("diarization.engine=off", "punctuation.mode=never")
"""Settings of every candidate: recognisers are compared, and no other engine is needed."""

_CANDIDATE = re.compile(r"(?P<engine>[^:\[\]]+)(?::(?P<model>.+?))?(?:\[(?P<settings>[^\[\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine with a model and settings of its own. `label`: as it was named."""

    label: str
    engine: str
    model: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    """Names within `transcription`, and values."""

    def list_assignments(self, usual: str) -> list[str]:
        """`KEY=VALUE`, as `--set` takes them. `usual`: the engine that the other settings choose: a model that they
        name means nothing to another engine, which gets its own default."""
        model = self.model or ("auto" if self.engine != usual else None)
        return [
            f"{GROUP}engine={self.engine}",
            *([f"{GROUP}model={model}"] if model else []),
            *(f"{GROUP}{key}={value}" for key, value in self.settings),
            *ALONE,
        ]


def parse_candidates(text: str) -> list[Candidate]:
    """Parse a list of candidates. Raises UsageError for another form, and for one that is named twice.

    >>> [c.label for c in parse_candidates("faster-whisper[compute_type=int8,beam_size=1], onnx:models/base")]
    ['faster-whisper[compute_type=int8,beam_size=1]', 'onnx:models/base']
    """
    found = [parse_candidate(part.strip()) for part in split_outside_brackets(text)]
    labels = [each.label for each in found]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise UsageError(f"--engines: {twice} is named twice")
    return found


def parse_candidate(text: str) -> Candidate:
    """Parse one candidate. Raises UsageError for another form.

    >>> parse_candidate("onnx:models/base[languages=de,en,vad=on]").settings
    (('languages', 'de,en'), ('vad', 'on'))
    """
    match = _CANDIDATE.fullmatch(text)
    if match is None:
        raise UsageError(f"--engines {text}: {FORM}")
    settings = _parse_settings(match["settings"] or "", text)
    return Candidate(text, match["engine"].strip(), match["model"], settings)


def split_outside_brackets(text: str) -> list[str]:
    """Split at commas outside brackets.

    >>> split_outside_brackets("a[x=1,y=2],b")
    ['a[x=1,y=2]', 'b']
    """
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _parse_settings(text: str, whole: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = (each.strip() for each in part.partition("="))
        if equals and key:
            found.append((key.removeprefix(GROUP), value))
        elif found and not equals:  # one more value of a list: languages=de,en
            found[-1] = (found[-1][0], f"{found[-1][1]},{part}")
        else:
            raise UsageError(f"--engines {whole}: {FORM}")
    return tuple(found)
