"""Refuse, before any work, what the weights of a recogniser cannot do: languages they don't know, too long a prompt.

Reads the weights' tokenizer.json; no engine is loaded. Whisper's models list their languages there as tokens
`<|de|>`; those for English alone have the same tokens, unused, and the smaller vocabulary of GPT-2.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.errors import MissingWeights, UsageError
from tasks.languages import format_language, format_languages
from tasks.settings.schema import TranscriptionSettings

MAX_PROMPT_TOKENS = 223
"""Tokens for the initial prompt and the hotwords: half of Whisper's 448 less the token that begins them."""
GPT2_END = 50256
"""Id of `<|endoftext|>` in the vocabulary of GPT-2, which Whisper's models for English have."""
ENGLISH = ("en",)
NEWER = {"yue": "large-v3 or large-v3-turbo"}
"""Languages that only newer models know, and these."""
BUNDLED = {"demo:whisper": ENGLISH}
"""Languages that weights have learnt, where their tokens don't tell."""


def check_settings(settings: TranscriptionSettings, name: str, folder: Path | None) -> None:
    """Raise UsageError for a language, or a length of prompt and hotwords, that these weights can't take.

    `name`: as the settings name the weights; `folder`: where they are, None where they are not on this machine.
    """
    known = BUNDLED.get(name) or (read_languages(folder) if folder else _guess_languages(name))
    for code in filter(None, (settings.fixed_language, *(settings.languages or ()))):
        if known is not None and code not in known:
            setting = "language" if code == settings.language else "languages"
            raise UsageError(f"transcription.{setting} = {code}: {_explain_unknown(code, name, known)}")
    if folder and (settings.initial_prompt or settings.hotwords):
        _check_prompt(settings, name, folder)


def read_languages(folder: Path) -> tuple[str, ...]:
    """Read which languages the weights in this folder know, as codes.

    Raises MissingWeights without a readable tokenizer.json.
    """
    path = folder / "tokenizer.json"
    try:
        stat = path.stat()
        return _read_languages(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingWeights(f"transcription model {folder}: its tokenizer.json can't be read ({error})") from None


@lru_cache(maxsize=8)
def _read_languages(path: Path, _mtime_ns: int, _size: int) -> tuple[str, ...]:
    tokens = {t["content"]: t["id"] for t in json.loads(path.read_text(encoding="utf-8"))["added_tokens"]}
    codes = [found[1] for token in tokens if (found := re.fullmatch(r"<\|([a-z]{2,3})\|>", token))]
    return ENGLISH if tokens.get("<|endoftext|>") == GPT2_END or not codes else tuple(codes)


def _guess_languages(name: str) -> tuple[str, ...] | None:
    """What a name tells of weights that are not here: Whisper's models for English end in `.en`."""
    return ENGLISH if name.partition("@")[0].endswith(".en") else None


def _explain_unknown(code: str, name: str, known: tuple[str, ...]) -> str:
    if known == ENGLISH:
        whole = name.partition("@")[0].removesuffix(".en")
        other = f"transcription.model = {whole}" if whole != name and "/" not in name else "a multilingual model"
        return f"{name} knows English alone. For {format_language(code)}, take {other}"
    if code in NEWER:
        return f"{name} doesn't know {format_language(code)}; transcription.model = {NEWER[code]} does"
    if len(known) > 12:
        return f"{name} doesn't know {format_language(code)}, but {len(known)} others"
    return f"{name} doesn't know {format_language(code)}; it knows {format_languages(known)}"


def _check_prompt(settings: TranscriptionSettings, name: str, folder: Path) -> None:
    given = {
        f"transcription.{key}": count_tokens(text, folder)
        for key, text in (("initial_prompt", settings.initial_prompt), ("hotwords", settings.hotwords))
        if text
    }
    total = sum(given.values())
    if total > MAX_PROMPT_TOKENS:
        parts = " and ".join(f"{key} ({count} tokens)" for key, count in given.items())
        both = f", {total} together" if len(given) > 1 else ""
        raise UsageError(
            f"{parts}{both}: {name} takes {MAX_PROMPT_TOKENS} tokens for prompt and hotwords together, and would "
            f"write what is more instead of the speech. Shorten {'them' if both else 'it'}"
        )


def count_tokens(text: str, folder: Path) -> int:
    """Count a prompt's tokens with the tokenizer of the weights in this folder, as faster-whisper encodes it."""
    tokenizer = _load_tokenizer(folder / "tokenizer.json")
    return len(tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids)


@lru_cache(maxsize=1)
def _load_tokenizer(path: Path) -> Any:
    import tokenizers

    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises this very class
        raise MissingWeights(
            f"transcription model {path.parent}: its tokenizer.json can't be read ({error})"
        ) from None
