"""A Whisper in ggml format that says the same two words of any sound, in German if it may choose: 1 layer, 64 wide.

Its attention and feed-forward layers are zero, so that each position of the text has its token, and it is known what
whisper.cpp must decode. The vocabulary has the size of the multilingual models'.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from data.recipes.convert_whisper import Checkpoint, write_ggml
from data.recipes.whisper_model import Shape

VOCABULARY, END, START, GERMAN, FIRST_TIME = 51865, 50257, 50258, 50261, 50364
SAID = {1000: "ĠGuten", 1001: "ĠTag", 1002: "Ã", 1003: "¼"}
"""Tokens by id, in GPT-2's alphabet: the last two are the two bytes of `ü`."""
WIDTH = 64


def write_constant_whisper(folder: Path, seconds: float = 2.0) -> Path:
    """Write `ggml-constant.bin`: the words sound from 0 to `seconds`."""
    shape = Shape(VOCABULARY, width=WIDTH, heads=1, encoder_layers=1, decoder_layers=1)
    said = [GERMAN, FIRST_TIME, FIRST_TIME, *SAID, FIRST_TIME + round(seconds / 0.02), END]
    positions, embeddings = np.zeros((shape.tokens, WIDTH)), np.zeros((VOCABULARY, WIDTH))
    for place, token in enumerate(dict.fromkeys(said)):
        embeddings[token, place] = 4.0
    for place, token in enumerate(said):
        # Far larger than any token's embedding: where a token stands says what follows it.
        positions[place] = 1000 * embeddings[token]
    positions[len(said) :] = 1000 * embeddings[END]
    layers: dict[str, tuple[int, ...]] = {}
    for side, attentions in (("encoder", ["self_attn"]), ("decoder", ["self_attn", "encoder_attn"])):
        at = f"{side}.layers.0"
        for attention in attentions:
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                layers[f"{at}.{attention}.{name}.weight"] = (WIDTH, WIDTH)
                if name != "k_proj":
                    layers[f"{at}.{attention}.{name}.bias"] = (WIDTH,)
        layers |= {f"{at}.fc1.weight": (4 * WIDTH, WIDTH), f"{at}.fc1.bias": (4 * WIDTH,)}
        layers |= {f"{at}.fc2.weight": (WIDTH, 4 * WIDTH), f"{at}.fc2.bias": (WIDTH,)}
        norms = [*(f"{at}.{a}_layer_norm" for a in attentions), f"{at}.final_layer_norm", f"{side}.layer_norm"]
        layers |= {f"{norm}.{k}": (WIDTH,) for norm in norms for k in ("weight", "bias")}
    layers |= {"encoder.conv1.weight": (WIDTH, 80, 3), "encoder.conv1.bias": (WIDTH,)}
    layers |= {"encoder.conv2.weight": (WIDTH, WIDTH, 3), "encoder.conv2.bias": (WIDTH,)}
    weights = {name: np.zeros(size, np.float32) for name, size in layers.items()}
    weights["decoder.layer_norm.weight"] += 1
    weights["encoder.embed_positions.weight"] = np.zeros((1500, WIDTH), np.float32)
    weights["decoder.embed_positions.weight"] = positions.astype(np.float32)
    weights["decoder.embed_tokens.weight"] = embeddings.astype(np.float32)
    # whisper.cpp looks these three up, to suppress them.
    suppressed = {220: "Ġ", 532: "Ġ-", 705: "Ġ'"}
    tokens = {(SAID | suppressed).get(i, f"Ġ{i}"): i for i in range(END)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": [], "model": {"vocab": tokens}}))
    return write_ggml(Checkpoint(weights, shape, folder), folder / "ggml-constant.bin")
