"""Refuse, before any work, what a recogniser or its weights cannot do: unknown languages, too long a prompt."""

from __future__ import annotations

from pathlib import Path

from tasks.engines import registry
from tasks.engines.spec import EngineSpec
from tasks.errors import UsageError
from tasks.languages import format_language, format_languages
from tasks.settings.schema import PER_CHUNK, PER_SEGMENT, TranscriptionSettings

ENGLISH = ("en",)
NEWER = {"yue": ("large-v3", "large-v3-turbo")}
"""Languages that only newer models know, and the short names of these."""


def check_settings(settings: TranscriptionSettings, name: str, folder: Path | None) -> None:
    """Raise UsageError for a language, or a length of prompt and hotwords, that these weights can't take.

    `name`: as the settings name the weights; `folder`: where they are, None where they are not on this machine.
    """
    spec = registry.find("transcription", settings.engine)
    known = find_languages(spec, name, folder)
    for code in filter(None, (settings.fixed_language, *(settings.languages or ()))):
        if known is not None and code not in known:
            setting = "language" if code == settings.language else "languages"
            raise UsageError(f"transcription.{setting} = {code}: {_explain_unknown(code, name, known, spec)}")
    if settings.language in (PER_CHUNK, PER_SEGMENT) and not spec.capabilities.detects_language:
        raise UsageError(
            f"transcription.language = {settings.language}: {spec.name} doesn't tell which language is spoken. "
            "Name it, or leave it out"
        )
    if spec.check:
        registry.load_object(spec.check)(settings, name, folder)


def find_languages(spec: EngineSpec, name: str, folder: Path | None) -> tuple[str, ...] | None:
    """Codes of the languages that an engine knows with these weights; None where that can't be told."""
    if spec.capabilities.languages is not None:
        return spec.capabilities.languages
    return registry.load_object(spec.read_languages)(name, folder) if spec.read_languages else None


def _explain_unknown(code: str, name: str, known: tuple[str, ...], spec: EngineSpec) -> str:
    if known == ENGLISH:
        whole = name.partition("@")[0].removesuffix(".en")
        other = f"transcription.model = {whole}" if whole != name and "/" not in name else "a multilingual model"
        return f"{name} knows English alone. For {format_language(code)}, take {other}"
    newer = [each for each in NEWER.get(code, ()) if any(each in weights.names for weights in spec.weights)]
    if newer:
        return f"{name} doesn't know {format_language(code)}; transcription.model = {' or '.join(newer)} does"
    if len(known) > 12:
        return f"{name} doesn't know {format_language(code)}, but {len(known)} others"
    return f"{name} doesn't know {format_language(code)}; it knows {format_languages(known)}"
