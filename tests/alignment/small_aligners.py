"""Small networks of the aligners' classes, trained for a second, as folders that the loaders read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ALIGNED = ("one", "two", "three")
MARKS = (2, 6, 7, 12, 15, 21)
"""Starts and ends of ALIGNED in any sound, in steps of 80 ms: all that the Qwen3 of the tests knows."""
TEMPLATE = (
    "{%- for message in messages %}{%- for part in message['content'] %}"
    "{%- if part['type'] == 'audio' %}{{- '<|audio_start|><|audio_pad|><|audio_end|>' }}"
    "{%- else %}{{- part['text'] + '<timestamp><timestamp>' }}{%- endif %}"
    "{%- endfor %}{%- endfor %}"
)
LETTERS = "ABCDEFGH"


def ring(letters: str, at_s: Sequence[float], duration_s: float, length_s: float = 0.2) -> NDArray[np.float32]:
    """16 kHz sound of a tone for each of LETTERS, which begins at its time, over soft noise."""
    times = np.arange(round(duration_s * 16_000)) / 16_000
    sound = np.random.default_rng(0).normal(0, 0.01, len(times))
    for letter, start in zip(letters, at_s, strict=True):
        inside = (times >= start) & (times < start + length_s)
        sound += np.where(inside, np.sin(2 * np.pi * (300 + 350 * LETTERS.index(letter)) * times), 0.0)
    return sound.astype(np.float32)


def write_ctc(path: Path, steps: int = 60) -> Path:
    """A wav2vec 2.0 of a few thousand parameters that hears each of LETTERS in a tone, 50 frames a second."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    path.mkdir(parents=True, exist_ok=True)
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4} | {c: i for i, c in enumerate(LETTERS, 5)}
    (path / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = Wav2Vec2CTCTokenizer(str(path / "vocab.json"))
    features = Wav2Vec2FeatureExtractor(do_normalize=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Wav2Vec2ForCTC(
            Wav2Vec2Config(
                vocab_size=len(vocabulary),
                hidden_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=32,
                conv_dim=(48, 32),
                conv_kernel=(160, 4),
                conv_stride=(80, 4),
                num_feat_extract_layers=2,
                num_conv_pos_embeddings=3,
                num_conv_pos_embedding_groups=2,
                mask_time_prob=0.0,
                hidden_dropout=0.0,
                attention_dropout=0.0,
                feat_proj_dropout=0.0,
                final_dropout=0.0,
                layerdrop=0.0,
            )
        )
        starts = np.arange(len(LETTERS)) * 0.4 + 0.2
        inputs = torch.from_numpy(ring(LETTERS, starts, 3.6))[None]
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(steps):
            optimizer.zero_grad()
            logits = network(inputs).logits[0]
            times = (torch.arange(len(logits)) + 0.5) * 3.6 / len(logits)
            truth = torch.zeros(len(logits), dtype=torch.long)
            for k, start in enumerate(starts.tolist()):
                truth[(times >= start) & (times < start + 0.2)] = 5 + k
            torch.nn.functional.cross_entropy(logits, truth).backward()
            optimizer.step()
    network.save_pretrained(path)
    tokenizer.save_pretrained(path)
    features.save_pretrained(path)
    return path


def write_qwen3(path: Path, steps: int = 60) -> Path:
    """A Qwen3-ForcedAligner of some ten thousand parameters that says MARKS for the words of ALIGNED."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen3ASRConfig,
        Qwen3ASRFeatureExtractor,
        Qwen3ASRForTokenClassification,
        Qwen3ASRProcessor,
    )

    special = ["<pad>", "<|audio_pad|>", "<|audio_start|>", "<|audio_end|>", "<timestamp>", "<unk>"]
    words = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*special, *ALIGNED])}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens={
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_start|>",
            "audio_eos_token": "<|audio_end|>",
            "timestamp_token": "<timestamp>",
        },
    )
    processor = Qwen3ASRProcessor(Qwen3ASRFeatureExtractor(feature_size=16), tokenizer, chat_template=TEMPLATE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Qwen3ASRForTokenClassification(
            Qwen3ASRConfig(
                audio_config={
                    "num_mel_bins": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16,
                    "d_model": 16, "output_dim": 32, "downsample_hidden_size": 4,
                },
                text_config={
                    "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
                    "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16,
                },
                audio_token_id=1, timestamp_token_id=4, pad_token_id=0, eos_token_id=0, num_labels=40,
            )
        )  # fmt: skip
        sound = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
        inputs, _ = processor.prepare_forced_aligner_inputs(sound, " ".join(ALIGNED))
        network.eval()
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        at = inputs["input_ids"][0] == 4
        for _ in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(**inputs).logits[0, at], torch.tensor(MARKS)).backward()
            optimizer.step()
    network.save_pretrained(path)
    processor.save_pretrained(path)
    return path
