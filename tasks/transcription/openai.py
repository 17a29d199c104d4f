"""Any OpenAI-compatible service as an engine: vLLM, speaches, whisper.cpp's or Daylong's own server, OpenAI.

The sound leaves this machine unless the address is the machine's own: `transcription.allow_remote` must say so.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from tasks.engines.engine import Engine
from tasks.engines.protocols import RawWord
from tasks.engines.spec import Capabilities, Device, EngineSettings, EngineSpec, WeightsFormat
from tasks.errors import UsageError
from tasks.records import SAMPLE_RATE_HZ
from tasks.remote_service import check_address, find_host, is_loopback, read_key
from tasks.transcription.openai_answers import read_language, read_words
from tasks.transcription.openai_client import TranscriptionClient
from tasks.transcription.whisper_limits import CUT, refuse_long_prompt

LONGEST_S = 600.0
"""Seconds of one upload: 19.2 MB without any compression, of the 25 MB that services take."""
MAX_PROMPT_TOKENS = 224
"""Of Whisper's models: services drop what is before them without a word."""
LATIN_CHARS = 4
"""Characters of a token in the Latin alphabet, as OpenAI counts them; in other scripts nearly each is one."""
LATIN_END = 0x250
"""The code point behind the Latin letters with their accents."""
DEFAULT_MODEL = "whisper-1"


class OpenAISettings(EngineSettings):
    """Where the service is, and how it is asked. The key itself is no setting, lest it be written anywhere."""

    without_effect = frozenset({"api_key_variable", "timeout_s", "attempts"})
    base_url: str = Field(
        "https://api.openai.com/v1",
        max_length=500,
        description="Address of an OpenAI-compatible service, with its /v1. Sound leaves this machine for any but "
        "127.0.0.1 and localhost.",
    )
    api_key_variable: str = Field(
        "OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the service's key; without one no key is sent.",
    )
    timeout_s: float = Field(300.0, ge=1, le=3600, description="Longest that an answer may take, seconds.")
    attempts: int = Field(
        6,
        ge=1,
        le=20,
        description="So often is a request tried that fails for passing reasons (429, 5xx).",
    )

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        return check_address(url, "transcription.base_url")


def load(
    base_url: str,
    model: str,
    allow_remote: bool = False,
    api_key_variable: str = "OPENAI_API_KEY",
    timeout_s: float = 300.0,
    attempts: int = 6,
) -> OpenAI:
    """Connect to a service. Raises UsageError where the sound would leave this machine without permission."""
    if not allow_remote and not is_loopback(base_url):
        raise UsageError(
            f"transcription.engine = openai: {find_host(base_url)} is another machine. Only "
            "transcription.allow_remote = true lets the sound leave this one"
        )
    return OpenAI(TranscriptionClient(base_url, model, read_key(api_key_variable), timeout_s, attempts))


class OpenAI:
    """A connection to a service."""

    def __init__(self, client: TranscriptionClient) -> None:
        self._client = client

    def transcribe(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        language: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> list[RawWord]:
        """Words of 16 kHz mono `samples` (shape (n,), full scale 1) within `stretches` (seconds), with what the
        service says of their sentences.

        `options`: `batch_size`, requests at a time; `initial_prompt`, `hotwords`; `into_english`; others change
        nothing. Without word times words share the time of their sentence.
        """
        given = options or {}
        prompt = " ".join(p.strip() for k in ("initial_prompt", "hotwords") if (p := given.get(k)))
        pieces = list(_cut(samples, stretches))
        ask_service = self._client.translate if given.get("into_english") else self._client.transcribe

        def ask(piece: tuple[int, float, NDArray[np.float32]]) -> list[RawWord]:
            stretch, start, part = piece
            answer = ask_service(encode_flac(part), language, prompt or None)
            return read_words(answer, stretch, start, start + len(part) / SAMPLE_RATE_HZ)

        with ThreadPoolExecutor(max(1, int(given.get("batch_size", 1)))) as pool:
            return [word for words in pool.map(ask, pieces) for word in words]

    def detect_languages(
        self, samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
    ) -> list[list[tuple[str, float]]]:
        """The language that the service finds in each stretch, for certain; none where it tells none."""
        found = []
        for stretch in stretches:
            answers = [self._client.transcribe(encode_flac(part)) for _, _, part in _cut(samples, [stretch])]
            code = read_language(answers[0]) if answers else None
            found.append([(code, 1.0)] if code else [])
        return found


def encode_flac(samples: NDArray[np.float32]) -> bytes:
    """16 kHz mono samples as a FLAC file of 16 bits."""
    import soundfile

    with io.BytesIO() as file:
        soundfile.write(file, np.clip(samples, -1.0, 1.0), SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        return file.getvalue()


def _cut(
    samples: NDArray[np.float32], stretches: Sequence[tuple[float, float]]
) -> Iterator[tuple[int, float, NDArray[np.float32]]]:
    """Cut stretches into uploads: (index of the stretch, start in seconds, samples)."""
    size = round(LONGEST_S * SAMPLE_RATE_HZ)
    for i, (start, end) in enumerate(stretches):
        part = samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
        for first in range(0, len(part), size):
            yield i, start + first / SAMPLE_RATE_HZ, part[first : first + size]


def build(settings: Any, weights: Path, device: Device) -> Engine:
    """Build the engine for `TranscriptionSettings`."""
    own = SPEC.read_settings(settings)
    model = DEFAULT_MODEL if settings.model == "auto" else settings.model
    return Engine.of(
        "transcription/openai",
        "tasks.transcription.openai:load",
        model=model,
        allow_remote=settings.allow_remote,
        **own.model_dump(),
    )


def check_prompt(settings: Any, name: str, _folder: Path | None) -> None:
    """Raise UsageError for a prompt that a service's Whisper would cut; other models' limits are not known here."""
    if "whisper" in name.lower():
        refuse_long_prompt(settings, name, estimate_tokens, MAX_PROMPT_TOKENS, CUT)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text: the service's tokenizer is not here.

    >>> estimate_tokens("Kubernetes, Istio"), estimate_tokens("東京都")
    (5, 3)
    """
    latin = sum(ord(c) < LATIN_END for c in text)
    return math.ceil(latin / LATIN_CHARS) + len(text) - latin


def find_destination(settings: Any) -> str | None:
    """The host that sound is sent to with `TranscriptionSettings`; None where that is this machine."""
    url = SPEC.read_settings(settings).base_url
    return None if is_loopback(url) else find_host(url)


SPEC = EngineSpec(
    step="transcription",
    name="openai",
    summary="any OpenAI-compatible service: vLLM, speaches, OpenAI",
    provenance="Whatever code and weights the service at transcription.base_url runs under the model's name.",
    build=build,
    settings=OpenAISettings,
    capabilities=Capabilities(
        prompt=True,
        translates=True,
        hotwords=True,
        batches=True,
        longest_s=LONGEST_S,
        devices=("cpu", "cuda"),
        deterministic=False,
        remote=True,
    ),
    weights=(
        WeightsFormat(
            kind="transcription/openai",
            setting="transcription.model",
            maker="the service",
            defaults={"cpu": DEFAULT_MODEL, "cuda": DEFAULT_MODEL},
            from_hub=False,
            remote=True,
        ),
    ),
    packages=("httpx",),
    install="pip install httpx",
    check="tasks.transcription.openai:check_prompt",
    find_destination="tasks.transcription.openai:find_destination",
)
