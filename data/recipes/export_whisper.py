"""Turns a checkpoint of the demo recogniser into a CTranslate2 folder that faster-whisper opens.

`python -m data.recipes.export_whisper --checkpoint begun.pt best.pt --out data/models/demo/whisper`

Of several checkpoints the mean is taken. Halfway between what the last stage began with and its best hears
crowded talk better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv:2109.01903).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from data.recipes.whisper_model import POSITIONS, Shape
from data.recipes.whisper_vocabulary import LANGUAGES, SECONDS, Vocabulary

_FEATURES = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "n_fft": 400,
    "chunk_length": SECONDS,
    "n_samples": SECONDS * 16_000,
    "nb_max_frames": SECONDS * 100,
    "padding_value": 0.0,
    "return_attention_mask": False,
}


def export(checkpoints: Sequence[Path], out: Path, quantization: str = "float16") -> None:
    """The checkpoints' mean -> transformers folder -> CTranslate2 folder `out` (replaced file by file)."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory() as folder:
        _write_transformers(mean([torch.load(c, weights_only=True) for c in checkpoints]), Path(folder))
        converter = TransformersConverter(folder, copy_files=["tokenizer.json", "preprocessor_config.json"])
        out.parent.mkdir(parents=True, exist_ok=True)
        converted = Path(folder) / "converted"
        converter.convert(str(converted), quantization=quantization)
        out.mkdir(exist_ok=True)
        for file in converted.iterdir():
            (out / file.name).write_bytes(file.read_bytes())


def mean(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Weight by weight; what isn't a number with a point is the last one's."""
    last = states[-1]
    return {
        name: torch.stack([s[name] for s in states]).mean(0) if value.is_floating_point() else value
        for name, value in last.items()
    }


def _write_transformers(state: dict[str, torch.Tensor], folder: Path) -> None:
    """A transformers checkpoint with everything that the converter reads."""
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    vocabulary = Vocabulary.build()
    shape, end = Shape(len(vocabulary)), vocabulary.special("endoftext")
    ids = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    ids["decoder_start_token_id"] = vocabulary.special("startoftranscript")
    config = WhisperConfig(
        vocab_size=shape.vocabulary,
        num_mel_bins=shape.mels,
        d_model=shape.width,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=4 * shape.width,
        decoder_ffn_dim=4 * shape.width,
        max_source_positions=POSITIONS,
        max_target_positions=shape.tokens,
        **ids,
    )
    model = WhisperForConditionalGeneration(config)
    weights = {f"model.{k}": v for k, v in state.items() if not k.startswith("frame_head.")}
    weights["proj_out.weight"] = state["decoder.embed_tokens.weight"]
    model.load_state_dict(weights)
    model.generation_config = _generation(vocabulary, shape, ids, GenerationConfig)
    model.save_pretrained(folder)
    vocabulary.write_tokenizer(folder / "tokenizer.json")
    names = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.tokens, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(_FEATURES), encoding="utf-8")


def _generation(vocabulary: Vocabulary, shape: Shape, ids: dict[str, int], config: type):
    """Whisper's generation settings: alignment heads for word times, language ids for detection."""
    made = config(max_length=shape.tokens, **ids)
    made.suppress_tokens = []
    made.begin_suppress_tokens = [vocabulary.ids["Ġ"]]  # the end may come first: silence has no words
    made.alignment_heads = [[shape.decoder_layers - 1, head] for head in (0, 1)]
    made.lang_to_id = {f"<|{code}|>": vocabulary.special(code) for code in LANGUAGES}
    made.task_to_id = {name: vocabulary.special(name) for name in ("translate", "transcribe")}
    made.no_timestamps_token_id = vocabulary.special("notimestamps")
    made.is_multilingual = True
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path("data/cache/recipes/whisper")
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[folder / "begun.pt", folder / "best.pt"])
    parser.add_argument("--out", type=Path, default=Path("data/models/demo/whisper"))
    parser.add_argument("--quantization", default="float16", help="how the weights are stored")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.out, arguments.quantization)


if __name__ == "__main__":
    main()
