"""A Qwen3-ASR of some ten thousand parameters that is trained to tell noise from a tone: two words of English, or of
German."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ANSWERS = {"noise": ("English", "hello world."), "tone": ("German", "guten tag.")}
WORDS = ("language", "English", "German", "hello", "world.", "guten", "tag.", "Istio")
SPECIAL = (
    "<pad>",
    "<|audio_pad|>",
    "<|audio_start|>",
    "<|audio_end|>",
    "<|user|>",
    "<|end|>",
    "<|assistant|>",
    "<unk>",
)
TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'system' %}{{- message['content'][0]['text'] + ' ' }}"
    "{%- elif message['role'] == 'user' %}{{- '<|user|><|audio_start|><|audio_pad|><|audio_end|>' }}"
    "{%- else %}{{- '<|assistant|>' + message['content'][0]['text'] }}{%- endif %}"
    "{%- endfor %}"
)
STEPS = 60


def make_sound(kind: str, seconds: float = 1.0) -> NDArray[np.float32]:
    """16 kHz sound of a kind of ANSWERS."""
    if kind == "noise":
        return np.random.default_rng(3).normal(0, 0.2, round(seconds * 16_000)).astype(np.float32)
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


def write_small_qwen3_asr(path: Path) -> Path:
    """Write the folder that the loader reads."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen3ASRConfig,
        Qwen3ASRFeatureExtractor,
        Qwen3ASRForConditionalGeneration,
        Qwen3ASRProcessor,
    )

    words = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*SPECIAL, *WORDS])}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="<|end|>",
        extra_special_tokens={
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_start|>",
            "audio_eos_token": "<|audio_end|>",
            "user_token": "<|user|>",
            "assistant_token": "<|assistant|>",
        },
    )
    tokenizer.add_tokens(["<asr_text>"])
    processor = Qwen3ASRProcessor(Qwen3ASRFeatureExtractor(feature_size=16), tokenizer, chat_template=TEMPLATE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Qwen3ASRForConditionalGeneration(
            Qwen3ASRConfig(
                audio_config={
                    "num_mel_bins": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16,
                    "d_model": 16, "output_dim": 32, "downsample_hidden_size": 4, "initializer_range": 0.2,
                },
                text_config={
                    "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
                    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "initializer_range": 0.2,
                },
                audio_token_id=1, pad_token_id=0, eos_token_id=5, initializer_range=0.2,
            )
        )  # fmt: skip
        sounds = [make_sound(kind) for kind in ANSWERS]
        cases = []
        for forced, prompt in ((False, None), (True, None), (False, "Istio")):
            given = [language if forced else None for language, _ in ANSWERS.values()]
            asked = processor.apply_transcription_request(sounds, language=given, prompt=prompt)
            said = [text if forced else f"language {language}<asr_text>{text}" for language, text in ANSWERS.values()]
            ids = torch.tensor([[*tokenizer(text)["input_ids"], 5] for text in said])
            whole = torch.cat([asked["input_ids"], ids], 1)
            labels = torch.cat([torch.full_like(asked["input_ids"], -100), ids], 1)
            mask = torch.ones_like(whole)
            cases.append({**asked, "input_ids": whole, "attention_mask": mask, "labels": labels})
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        network.train()
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = network(**cases[step % len(cases)]).loss
            loss.backward()
            optimizer.step()
    network.eval().save_pretrained(path)
    processor.save_pretrained(path)
    return path
