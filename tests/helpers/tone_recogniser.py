"""A recogniser of two tones in ONNX, shaped as NeMo's TDT models are exported: it hears 500 Hz as `low`, in two
tokens, and 3000 Hz as `high`.

Real networks for onnx-asr, small enough that what must come out is known: which tokens, when, how sure.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

TOKENS = ("▁lo", "w", "▁high", "<blk>")
LO, W, HIGH, BLANK = range(4)
FRAME_S = 0.08
"""Seconds of a frame: eight of the features', 10 ms each."""
BINS = {LO: 13, HIGH: 52}
"""Mel bands of 80 in which the tones lie."""


class _Encoder(nn.Module):
    def forward(self, features: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        return nn.functional.avg_pool1d(features, 8), length // 8


class _DecoderJoint(nn.Module):
    """Scores of the tokens and of the steps 0, 1, by the frame and the token before."""

    def forward(
        self, frame: Tensor, targets: Tensor, target_length: Tensor, state_1: Tensor, state_2: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        before = nn.functional.one_hot(targets.long(), len(TOKENS)).float()[0, 0]
        low, high = (frame[0, BINS[k] - 1 : BINS[k] + 2, 0].mean() - 1.0 for k in (LO, HIGH))
        said_low = before[LO] + before[W]
        tokens = [
            6 * low - 50 * said_low,
            6 * low - 50 * (1 - before[LO]),
            6 * high - 50 * before[HIGH],
            torch.zeros(()),
        ]
        steps = [-9 * torch.ones(()), torch.zeros(())]
        scores = torch.stack([*tokens, *steps]).reshape(1, 1, 1, len(TOKENS) + 2)
        return scores, target_length * 1, state_1 * 1, state_2 * 1


def write_tone_recogniser(folder: Path, quantization: str = "") -> Path:
    """Write the folder that onnx-asr opens as `nemo-conformer-tdt`."""
    folder.mkdir(parents=True, exist_ok=True)
    suffix = f".{quantization}" if quantization else ""
    state, one = torch.zeros(1, 1, 1), torch.ones(1, dtype=torch.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every size that it takes for fixed
        torch.onnx.export(
            _Encoder(),
            (torch.zeros(1, 80, 80), torch.tensor([80])),
            str(folder / f"encoder-model{suffix}.onnx"),
            input_names=["audio_signal", "length"],
            output_names=["outputs", "encoded_lengths"],
            dynamic_axes={"audio_signal": {2: "frames"}, "outputs": {2: "steps"}},
            dynamo=False,
        )
        torch.onnx.export(
            _DecoderJoint(),
            (torch.zeros(1, 80, 1), one[None], one, state, state),
            str(folder / f"decoder_joint-model{suffix}.onnx"),
            input_names=["encoder_outputs", "targets", "target_length", "input_states_1", "input_states_2"],
            output_names=["outputs", "prednet_lengths", "output_states_1", "output_states_2"],
            dynamo=False,
        )
    (folder / "vocab.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(TOKENS)), encoding="utf-8")
    config = {"model_type": "nemo-conformer-tdt", "features_size": 80, "subsampling_factor": 8}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
