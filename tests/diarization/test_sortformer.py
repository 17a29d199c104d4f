"""Sortformer through its own interface. The model is untrained: form and flow are tested, not who speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.diarization.sortformer import STREAMING, Sortformer, load
from tasks.engines.nemo import silence_nemo

RATE = 16_000
WIDE, NARROW = 32, 24


def write_model(path: Path, streaming: bool) -> Path:
    """A Sortformer of a few thousand parameters with the layers of the published ones."""
    with silence_nemo():
        import torch
        from nemo.collections.asr.models import SortformerEncLabelModel
        from omegaconf import OmegaConf

        torch.manual_seed(0)
        SortformerEncLabelModel(cfg=OmegaConf.create(configuration(streaming))).save_to(str(path))
    return path


def configuration(streaming: bool) -> dict[str, Any]:
    asr = "nemo.collections.asr.modules"
    return {
        "sample_rate": RATE,
        "pil_weight": 0.5,
        "ats_weight": 0.5,
        "max_num_of_spks": 4,
        "streaming_mode": streaming,
        "async_streaming": False,
        "model_defaults": {"fc_d_model": WIDE, "tf_d_model": NARROW},
        "train_ds": None,
        "validation_ds": None,
        "test_ds": None,
        "preprocessor": {
            "_target_": f"{asr}.AudioToMelSpectrogramPreprocessor",
            "normalize": "NA",
            "window_size": 0.025,
            "window_stride": 0.01,
            "sample_rate": RATE,
            "window": "hann",
            "features": 80,
            "n_fft": 512,
            "frame_splicing": 1,
            "dither": 0.00001,
        },
        "sortformer_modules": {
            "_target_": f"{asr}.sortformer_modules.SortformerModules",
            "num_spks": 4,
            "dropout_rate": 0.5,
            "fc_d_model": WIDE,
            "tf_d_model": NARROW,
        },
        "encoder": {
            "_target_": f"{asr}.ConformerEncoder",
            "feat_in": 80,
            "feat_out": -1,
            "n_layers": 1,
            "d_model": WIDE,
            "subsampling": "dw_striding",
            "subsampling_factor": 8,
            "subsampling_conv_channels": 16,
            "ff_expansion_factor": 2,
            "self_attention_model": "rel_pos",
            "n_heads": 4,
            "att_context_size": [-1, -1],
            "conv_kernel_size": 9,
            "pos_emb_max_len": 5000,
        },
        "transformer_encoder": {
            "_target_": f"{asr}.transformer.transformer_encoders.TransformerEncoder",
            "num_layers": 1,
            "hidden_size": NARROW,
            "inner_size": 48,
            "num_attention_heads": 4,
            "hidden_act": "relu",
            "pre_ln": False,
            "pre_ln_final_layer_norm": True,
        },
        "loss": {"_target_": "nemo.collections.asr.losses.bce_loss.BCELoss", "weight": None, "reduction": "mean"},
        "optim": {"name": "adamw", "lr": 1e-4},
    }


@pytest.fixture(scope="module", params=[False, True], ids=["offline", "streaming"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sortformer:
    path = tmp_path_factory.mktemp("sortformer") / "small.nemo"
    return load(str(write_model(path, streaming=request.param)))


@pytest.mark.parametrize("seconds", [1.0, 45.3])
def test_turns_lie_within_the_sound_and_are_sorted(model: Sortformer, seconds: float) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    found = model.find_turns(sound)
    assert found == sorted(found)
    assert all(0 <= start < end <= seconds for start, end, _ in found)
    assert {speaker for _, _, speaker in found} <= {"0", "1", "2", "3"}


def test_nothing_to_hear_gives_no_turns(model: Sortformer) -> None:
    assert model.find_turns(np.zeros(0, np.float32)) == []


def test_streaming_models_listen_as_their_card_advises(tmp_path: Path) -> None:
    streaming = load(str(write_model(tmp_path / "s.nemo", streaming=True)))
    modules = streaming._model.sortformer_modules
    assert {name: getattr(modules, name) for name in STREAMING} == STREAMING
