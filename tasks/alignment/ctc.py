"""Alignment by CTC models of transformers (wav2vec 2.0, Parakeet CTC, …): a text's best path through their output.

The path is found by Viterbi's algorithm over the tokens with blanks between them (Graves et al. 2006; "CTC-
segmentation", Kürzinger et al. 2020, arXiv:2007.09127), with the function of NeMo's forced aligner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.alignment.tokens import Tokens, find_word_times, tokenize_words
from tasks.engines.engine import Engine
from tasks.engines.nemo import silence_nemo
from tasks.engines.spec import Capabilities, Device, EngineSpec, WeightsFormat
from tasks.records import SAMPLE_RATE_HZ

LONGEST_S = 60.0
"""Attention needs memory that grows with the square of the length."""


def load(model: str, device: str = "cpu") -> CtcAligner:
    """The engine from a folder with safetensors, the tokenizer and the settings of the features.

    Raises ValueError where they are of no CTC model.
    """
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of loading: a terminal shows one of the run
    features = AutoFeatureExtractor.from_pretrained(model, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    network = AutoModelForCTC.from_pretrained(model, local_files_only=True, use_safetensors=True)
    return CtcAligner(features, tokenizer, network.eval().to(device), device)


class CtcAligner:
    """A loaded model."""

    def __init__(self, features: Any, tokenizer: Any, network: Any, device: str) -> None:
        self._features = features
        self._tokenizer = tokenizer
        self._network = network
        self._device = device
        self._blank = int(network.config.pad_token_id)

    def align(
        self,
        samples: NDArray[np.float32],
        stretches: Sequence[tuple[float, float]],
        texts: Sequence[Sequence[str]],
        language: str | None = None,
    ) -> list[list[tuple[float, float, float | None] | None]]:
        """(start, end, confidence) of each word of the text of each stretch (seconds) of 16 kHz mono `samples`.

        None for a word of which the model has no letter, and for all words of a stretch too short for its text. The
        confidence is the geometric mean of the probabilities of its tokens. `language` is a matter of the model.
        """
        return [self._align(samples, *stretch, words) for stretch, words in zip(stretches, texts, strict=True)]

    def _align(
        self, samples: NDArray[np.float32], start_s: float, end_s: float, words: Sequence[str]
    ) -> list[tuple[float, float, float | None] | None]:
        sound = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        tokens = tokenize_words(words, self._encode, self._delimiter)
        if not tokens.ids or len(sound) < SAMPLE_RATE_HZ // 20:
            return [None] * len(words)
        log_probs = self._compute_log_probs(sound)
        path = find_path(log_probs, tokens, self._blank)
        if path is None:
            return [None] * len(words)
        frame_s = len(sound) / SAMPLE_RATE_HZ / len(log_probs)
        return find_word_times(path, tokens, log_probs, start_s, frame_s, len(words))

    def _encode(self, word: str) -> list[int]:
        """Ids of a word's tokens, in the case that the vocabulary knows; without those that it doesn't."""
        known: list[list[int]] = []
        for text in (word, word.lower(), word.upper()):
            ids = self._tokenizer(text, add_special_tokens=False).input_ids
            special = {self._tokenizer.unk_token_id, self._blank, self._delimiter}
            known.append([i for i in ids if i not in special])
        return max(known, key=len)

    @property
    def _delimiter(self) -> int | None:
        """The token between words, of models of letters."""
        text = getattr(self._tokenizer, "word_delimiter_token", None)
        return None if text is None else int(self._tokenizer.convert_tokens_to_ids(text))

    def _compute_log_probs(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logarithms (T, V) of the probabilities of the tokens by frame."""
        import torch

        with torch.inference_mode():
            inputs = self._features(sound, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt").to(self._device)
            (logits,) = self._network(**inputs).logits
            found: NDArray[np.float32] = logits.float().log_softmax(-1).cpu().numpy()
        return found


def find_path(log_probs: NDArray[np.float32], tokens: Tokens, blank: int) -> list[int] | None:
    """The place in `tokens.with_blanks(blank)` of each frame of `log_probs` (T, V), on the likeliest path through all
    tokens; None where there are fewer frames than these need."""
    ids = tokens.with_blanks(blank)
    if len(log_probs) < tokens.least_frames:
        return None
    import torch

    with silence_nemo():
        from nemo.collections.asr.parts.utils.aligner_utils import viterbi_decoding

    (path,) = viterbi_decoding(
        torch.from_numpy(log_probs)[None],
        torch.tensor([ids]),
        torch.tensor([len(log_probs)]),
        torch.tensor([len(ids)]),
        viterbi_device=torch.device("cpu"),
    )
    return [int(place) for place in path]


def build(_settings: Any, weights: Path, device: Device) -> Engine:
    return Engine.of("alignment/ctc", "tasks.alignment.ctc:load", model=str(weights), device=device)


SPEC = EngineSpec(
    step="alignment",
    name="ctc",
    summary="the letters of a CTC model's language",
    provenance="CTC weights of whoever made them, run by Hugging Face transformers; paths by NVIDIA NeMo.",
    build=build,
    capabilities=Capabilities(confidences=True, longest_s=LONGEST_S),
    weights=(
        WeightsFormat(
            kind="alignment/ctc",
            setting="transcription.aligner_model",
            maker="a CTC model of transformers",
            patterns=(
                "config.json",
                "preprocessor_config.json",
                "processor_config.json",
                "tokenizer*",
                "vocab.json",
                "special_tokens_map.json",
                "added_tokens.json",
                "model*.safetensors*",
            ),
            essential=("config.json", "tokenizer_config.json", "*.safetensors"),
            names=MappingProxyType({"wav2vec2-base-960h": "facebook/wav2vec2-base-960h"}),
        ),
    ),
    packages=("transformers", "nemo"),
    install="pip install -c constraints.txt -e .",
)
