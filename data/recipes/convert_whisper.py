"""Converts a Whisper model from CTranslate2's format to those of whisper.cpp (ggml) and onnx-asr (ONNX): the same
weights, so that the engines can be compared on them.

`python -m data.recipes.convert_whisper FOLDER --onnx OUT --ggml OUT.bin`

FOLDER is a model that faster-whisper opens, its weights in float16 or float32. Formats: CTranslate2's
`python/ctranslate2/specs/model_spec.py` (binary version 6); whisper.cpp's `models/convert-h5-to-ggml.py`; the inputs
and outputs of transformers' export with a decoder that keeps its keys and values (`decoder_model_merged.onnx`).
"""

from __future__ import annotations

import argparse
import json
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.recipes.whisper_model import POSITIONS, Shape, Whisper
from tasks.transcription.tokens import read_bytes

GGML_MAGIC = 0x67676D6C
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


@dataclass(frozen=True)
class Checkpoint:
    """A Whisper's weights by transformers' names without `model.`, and its sizes."""

    weights: dict[str, NDArray[Any]]
    shape: Shape
    folder: Path

    def tokenizer(self) -> dict[str, Any]:
        return json.loads((self.folder / "tokenizer.json").read_text(encoding="utf-8"))


def read_ctranslate2(folder: Path) -> Checkpoint:
    """Read the weights of a folder that faster-whisper opens."""
    values = _read_variables(folder / "model.bin")
    weights: dict[str, NDArray[Any]] = {}
    for side in ("encoder", "decoder"):
        weights[f"{side}.embed_positions.weight"] = values[f"{side}/position_encodings/encodings"]
        layers = len(
            {
                name.split("/")[1]
                for name in values
                if name.startswith(f"{side}/layer_") and "norm" not in name.split("/")[1]
            }
        )
        for i in range(layers):
            weights |= {f"{side}.layers.{i}.{k}": v for k, v in _read_layer(values, f"{side}/layer_{i}").items()}
        weights |= _read_norm(values, f"{side}/layer_norm", f"{side}.layer_norm")
    for conv in ("conv1", "conv2"):
        weights |= {f"encoder.{conv}.{k}": values[f"encoder/{conv}/{k}"] for k in ("weight", "bias")}
    embedding = weights["decoder.embed_tokens.weight"] = values["decoder/embeddings/weight"]
    shape = Shape(
        vocabulary=embedding.shape[0],
        width=embedding.shape[1],
        heads=int(values["encoder/num_heads"]),
        encoder_layers=sum(k.startswith("encoder.") and k.endswith("fc1.weight") for k in weights),
        decoder_layers=sum(k.startswith("decoder.") and k.endswith("fc1.weight") for k in weights),
        mels=weights["encoder.conv1.weight"].shape[1],
        tokens=weights["decoder.embed_positions.weight"].shape[0],
    )
    return Checkpoint(weights, shape, folder)


def _read_variables(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file:
        (version,) = struct.unpack("<I", file.read(4))
        name = _read_name(file)
        if version < 6 or name != "WhisperSpec":
            raise ValueError(f"{path}: CTranslate2 {name} of binary version {version}, not a Whisper of version 6")
        _, count = struct.unpack("<II", file.read(8))
        values = {}
        for _ in range(count):
            name = _read_name(file)
            (rank,) = struct.unpack("<B", file.read(1))
            dimensions = struct.unpack(f"<{rank}I", file.read(4 * rank))
            dtype, size = struct.unpack("<BI", file.read(5))
            values[name] = np.frombuffer(file.read(size), DTYPES[dtype]).reshape(dimensions)
        return values


def _read_name(file: BinaryIO) -> str:
    (size,) = struct.unpack("<H", file.read(2))
    return file.read(size)[:-1].decode()


def _read_layer(values: dict[str, NDArray[Any]], at: str) -> dict[str, NDArray[Any]]:
    """One layer; CTranslate2 keeps query, key and value as one matrix, those of the encoder's output as two."""
    out: dict[str, NDArray[Any]] = {}
    for theirs, ours in (("self_attention", "self_attn"), ("attention", "encoder_attn")):
        if f"{at}/{theirs}/linear_0/weight" not in values:
            continue
        count = 2 if theirs == "self_attention" else 3
        joined = [{k: values[f"{at}/{theirs}/linear_{n}/{k}"] for k in ("weight", "bias")} for n in range(count)]
        stacked = {k: np.concatenate([part[k] for part in joined[:-1]]) for k in ("weight", "bias")}
        for k, name in enumerate(("q_proj", "k_proj", "v_proj")):
            for key, value in stacked.items():
                if (name, key) != ("k_proj", "bias"):
                    out[f"{ours}.{name}.{key}"] = np.split(value, 3)[k]
        out |= {f"{ours}.out_proj.{k}": v for k, v in joined[-1].items()}
        out |= _read_norm(values, f"{at}/{theirs}/layer_norm", f"{ours}_layer_norm")
    for n, name in enumerate(("fc1", "fc2")):
        out |= {f"{name}.{k}": values[f"{at}/ffn/linear_{n}/{k}"] for k in ("weight", "bias")}
    return out | _read_norm(values, f"{at}/ffn/layer_norm", "final_layer_norm")


def _read_norm(values: dict[str, NDArray[Any]], theirs: str, ours: str) -> dict[str, NDArray[Any]]:
    return {f"{ours}.weight": values[f"{theirs}/gamma"], f"{ours}.bias": values[f"{theirs}/beta"]}


class _Encoder(nn.Module):
    def __init__(self, model: Whisper) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, features: Tensor) -> Tensor:
        return self.encoder(features, torch.arange(POSITIONS), None)


class _Decoder(nn.Module):
    """The decoder with its keys and values as inputs and outputs. With `use_cache_branch` the encoder's output is not
    looked at: its keys and values come from the step before."""

    def __init__(self, model: Whisper, shape: Shape) -> None:
        super().__init__()
        self.decoder, self.heads, self.size = model.decoder, shape.heads, shape.width // shape.heads

    def forward(self, tokens: Tensor, memory: Tensor, use_cache: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        decoder = self.decoder
        before = past[0].shape[2]
        fresh = memory[:, : (1 - use_cache[0].long()) * memory.shape[1]]
        places = before + torch.arange(tokens.shape[1])
        # Each token looks at itself and at those before it.
        bias = torch.zeros(1).masked_fill(torch.arange(before + tokens.shape[1])[None] > places[:, None], -1e9)
        x = decoder.embed_tokens(tokens) + decoder.embed_positions(places)
        present: list[Tensor] = []
        for i, layer in enumerate(decoder.layers):
            kept = [p.reshape(1, self.heads, p.shape[2], self.size) for p in past[4 * i : 4 * i + 4]]
            y, own = self._attend(layer.self_attn, layer.self_attn_layer_norm(x), None, kept[:2], bias)
            x = x + y
            y, cross = self._attend(layer.encoder_attn, layer.encoder_attn_layer_norm(x), fresh, kept[2:], None)
            x = x + y
            x = x + layer.fc2(torch.nn.functional.gelu(layer.fc1(layer.final_layer_norm(x))))
            present += [*own, *cross]
        return (decoder.layer_norm(x) @ decoder.embed_tokens.weight.T, *present)

    def _attend(
        self, attention: nn.Module, x: Tensor, memory: Tensor | None, kept: list[Tensor], bias: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        source = x if memory is None else memory
        new = [self._divide(p(source)) for p in (attention.k_proj, attention.v_proj)]
        k, v = (torch.cat([old, more], 2) for old, more in zip(kept, new, strict=True))
        q = self._divide(attention.q_proj(x))
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        weights = (scores if bias is None else scores + bias).softmax(-1)
        return attention.out_proj((weights @ v).transpose(1, 2).flatten(2)), [k, v]

    def _divide(self, x: Tensor) -> Tensor:
        """(1, places, width) -> (1, heads, places, size), with no place, too."""
        return x.reshape(1, x.shape[1], self.heads, self.size).transpose(1, 2)


def build_network(checkpoint: Checkpoint) -> Whisper:
    """The model in PyTorch, float32, ready to infer."""
    model = Whisper(checkpoint.shape, words=0)
    state = {k: torch.from_numpy(np.array(v, np.float32)) for k, v in checkpoint.weights.items()}
    missing, unknown = model.load_state_dict(state, strict=False)
    if unknown or any(not name.startswith("frame_head.") for name in missing):
        raise ValueError(f"{checkpoint.folder}: weights {[*missing, *unknown]} fit no Whisper")
    return model.eval()


def write_onnx(checkpoint: Checkpoint, out: Path) -> Path:
    """Write the folder that onnx-asr opens as `whisper`: encoder_model.onnx, decoder_model_merged.onnx, the
    vocabulary."""
    out.mkdir(parents=True, exist_ok=True)
    shape, model = checkpoint.shape, build_network(checkpoint)
    size = shape.width // shape.heads
    names = [
        f"{i}.{side}.{what}"
        for i in range(shape.decoder_layers)
        for side in ("decoder", "encoder")
        for what in ("key", "value")
    ]
    past = [torch.zeros(1, shape.heads, 3 if "decoder" in name else POSITIONS, size) for name in names]
    tokens, memory = torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, POSITIONS, shape.width)
    kept = [f"past_key_values.{n}" for n in names]
    axes = {"input_ids": {0: "batch", 1: "tokens"}, "encoder_hidden_states": {0: "batch"}, "logits": {1: "tokens"}}
    axes |= {f"past_key_values.{n}": {0: "batch", 2: f"past.{n}"} for n in names}
    axes |= {f"present.{n}": {2: f"present.{n}"} for n in names}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every size that it takes for fixed
        torch.onnx.export(
            _Encoder(model),
            (torch.zeros(1, shape.mels, 2 * POSITIONS),),
            str(out / "encoder_model.onnx"),
            input_names=["input_features"],
            output_names=["last_hidden_state"],
            dynamo=False,
        )
        torch.onnx.export(
            _Decoder(model, shape),
            (tokens, memory, torch.tensor([False]), *past),
            str(out / "decoder_model_merged.onnx"),
            input_names=[
                "input_ids",
                "encoder_hidden_states",
                "use_cache_branch",
                *kept,
            ],
            output_names=["logits", *(f"present.{n}" for n in names)],
            dynamic_axes=axes,
            dynamo=False,
        )
    tokenizer = checkpoint.tokenizer()
    added = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    for number in range(shape.vocabulary - max(added.values()) - 1):
        added[f"<|{0.02 * number:.2f}|>"] = max(added.values()) + 1
    texts = {t: i for t, i in tokenizer["model"]["vocab"].items() if t not in added}
    for name, content in (
        ("vocab.json", texts),
        ("added_tokens.json", added),
        ("config.json", {"model_type": "whisper", "num_mel_bins": shape.mels}),
        ("tokenizer.json", tokenizer),
    ):
        (out / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return out


GGML_NAMES = (
    ("encoder.layer_norm.", "encoder.ln_post."),
    ("decoder.layer_norm.", "decoder.ln."),
    ("embed_positions.weight", "positional_embedding"),
    ("embed_tokens.", "token_embedding."),
    (".layers.", ".blocks."),
    ("self_attn_layer_norm", "attn_ln"),
    ("encoder_attn_layer_norm", "cross_attn_ln"),
    ("self_attn.", "attn."),
    ("encoder_attn.", "cross_attn."),
    ("q_proj", "query"),
    ("k_proj", "key"),
    ("v_proj", "value"),
    ("out_proj", "out"),
    ("final_layer_norm", "mlp_ln"),
    ("fc1", "mlp.0"),
    ("fc2", "mlp.2"),
)


def write_ggml(checkpoint: Checkpoint, out: Path) -> Path:
    """Write the file that whisper.cpp opens, matrices in float16."""
    from faster_whisper.feature_extractor import FeatureExtractor

    shape = checkpoint.shape
    vocabulary = checkpoint.tokenizer()["model"]["vocab"]
    texts = sorted((i, t) for t, i in vocabulary.items() if not t.startswith("<|"))
    filters = np.ascontiguousarray(FeatureExtractor(shape.mels).mel_filters, np.float32)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as file:
        sides = [(1500, shape.encoder_layers), (shape.tokens, shape.decoder_layers)]
        numbers = [n for length, layers in sides for n in (length, shape.width, shape.heads, layers)]
        file.write(struct.pack("<12i", GGML_MAGIC, shape.vocabulary, *numbers, shape.mels, 1))
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        file.write(struct.pack("<i", len(texts)))
        for _, text in texts:
            data = read_bytes(text)
            file.write(struct.pack("<i", len(data)) + data)
        for name, value in checkpoint.weights.items():
            _write_tensor(file, name, value)
    return out


def _write_tensor(file: BinaryIO, name: str, value: NDArray[Any]) -> None:
    for theirs, ours in GGML_NAMES:
        name = name.replace(theirs, ours)
    if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        value = value.reshape(-1, 1)
    is_half = value.ndim > 1 and not name.endswith(("positional_embedding", ".bias"))
    data = np.ascontiguousarray(value, np.float16 if is_half else np.float32)
    file.write(struct.pack("<3i", data.ndim, len(name), int(is_half)))
    file.write(struct.pack(f"<{data.ndim}i", *reversed(data.shape)) + name.encode() + data.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--onnx", type=Path, help="folder to write for onnx-asr")
    parser.add_argument("--ggml", type=Path, help="file to write for whisper.cpp")
    arguments = parser.parse_args()
    checkpoint = read_ctranslate2(arguments.folder)
    if arguments.onnx:
        write_onnx(checkpoint, arguments.onnx)
    if arguments.ggml:
        write_ggml(checkpoint, arguments.ggml)


if __name__ == "__main__":
    main()
