"""What Whisper's weights know and can take: their languages, and the length of prompt and hotwords.

Reads the weights' tokenizer.json; no engine is loaded. Whisper's models list their languages there as tokens
`<|de|>`; those for English alone have the same tokens, unused, and the smaller vocabulary of GPT-2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.errors import MissingWeights, UsageError
from tasks.settings.schema import TranscriptionSettings

MAX_PROMPT_TOKENS = 223
"""Tokens for the initial prompt and the hotwords: half of Whisper's 448 less the token that begins them."""
CUT = "leave out the beginning of what is more"
"""What engines do with a longer prompt that keep its last tokens."""
GPT2_END = 50256
"""Id of `<|endoftext|>` in the vocabulary of GPT-2, which Whisper's models for English have."""
ENGLISH = ("en",)
BUNDLED = {"demo:whisper": ENGLISH}
"""Languages that weights have learnt, where their tokens don't tell."""


def find_languages(name: str, folder: Path | None) -> tuple[str, ...] | None:
    """Which languages weights know, as codes; None if that can't be told.

    `name`: as the settings name them; `folder`: where they are, None where they are not on this machine.
    """
    return BUNDLED.get(name) or (read_languages(folder) if folder else _guess_languages(name))


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


def check_prompt(settings: TranscriptionSettings, name: str, folder: Path | None) -> None:
    """Raise UsageError where initial prompt and hotwords are longer than these weights can take."""
    if folder is not None:
        refuse_long_prompt(settings, name, lambda text: count_tokens(text, folder))


def refuse_long_prompt(
    settings: TranscriptionSettings,
    name: str,
    count: Callable[[str], int],
    most: int = MAX_PROMPT_TOKENS,
    why: str = "write what is more instead of the speech",
) -> None:
    """Raise UsageError where initial prompt, hotwords and vocabulary have more than `most` tokens together.

    `count`: tokens of a text; `why`: what the model would do with more.
    """
    given = {key: count(text) for key, text in list_prompts(settings).items()}
    total = sum(given.values())
    if total > most:
        parts = " and ".join(f"{key} ({tokens} tokens)" for key, tokens in given.items())
        both = f", {total} together" if len(given) > 1 else ""
        raise UsageError(
            f"{parts}{both}: {name} takes {most} tokens for prompt and hotwords together, and would {why}. "
            f"Shorten {'them' if both else 'it'}"
        )


def list_prompts(settings: TranscriptionSettings) -> dict[str, str]:
    """The texts that a recogniser is given beside the sound, by setting."""
    texts = {
        "transcription.initial_prompt": settings.initial_prompt,
        "transcription.hotwords": settings.hotwords,
        "transcription.vocabulary": ", ".join(settings.vocabulary or ()),
    }
    return {key: text for key, text in texts.items() if text}


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
