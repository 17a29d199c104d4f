"""A Parakeet of NeMo's class for TDT, 32 wide, that knows two tones: 500 Hz is `low` and 3000 Hz `high`.

Its encoder's weights are random; the joint network is trained for a second, frame by frame.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines.nemo import silence_nemo

RATE = 16_000
FRAME_S = 0.08
TONES = {"low": 500.0, "high": 3000.0}
DURATIONS = [0, 1, 2, 3, 4]
STEPS = 300


def make_tones(*tones: tuple[str, float, float], seconds: float, seed: int = 1) -> NDArray[np.float32]:
    """Tones of (name, start, end) in soft noise, 16 kHz."""
    samples = np.random.default_rng(seed).normal(0, 1e-3, round(seconds * RATE))
    for name, start, end in tones:
        at = np.arange(round(start * RATE), round(end * RATE))
        fade = np.minimum(1, np.minimum(at - at[0], at[-1] - at) / 800)  # a click has all frequencies
        samples[at] += 0.3 * fade * np.sin(2 * np.pi * TONES[name] * at / RATE)
    return samples.astype(np.float32)


def write_small_parakeet(folder: Path) -> Path:
    """Write `small-parakeet.nemo`."""
    import torch

    path = folder / "small-parakeet.nemo"
    folder.mkdir(parents=True, exist_ok=True)
    with silence_nemo(), torch.random.fork_rng():
        from nemo.collections.asr.models import EncDecRNNTBPEModel

        torch.manual_seed(2)
        model = EncDecRNNTBPEModel(cfg=_configure(_train_tokenizer(folder))).eval()
        _train_joint(model)
        model.save_to(str(path))
    return path


def _train_joint(model: Any) -> None:
    """Teach the joint network to say a tone's token where it begins, and blank, one frame long, anywhere else."""
    import torch
    from torch.nn import functional

    tokens = {name: model.tokenizer.token_to_id(f"▁{name}") for name in TONES}
    blank = model.tokenizer.vocab_size
    with torch.no_grad():
        # What the prediction network says depends on the last token alone.
        lstm = model.decoder.prediction["dec_rnn"].lstm
        lstm.weight_hh_l0.zero_()
        lstm.bias_ih_l0[lstm.hidden_size : 2 * lstm.hidden_size] = -30.0
        frames, classes = _encode_examples(model)
        befores = [None, *tokens.values()]
        said = [
            model.decoder.predict(None if t is None else torch.tensor([[t]]), None, add_sos=False, batch_size=1)[0]
            for t in befores
        ]
    goals = [[tokens[name] if name and tokens[name] != before else blank for name in classes] for before in befores]
    wanted = torch.tensor(goals).T
    optimizer = torch.optim.Adam(model.joint.parameters(), lr=3e-2)
    for _ in range(STEPS):
        scores = model.joint.joint(frames[None], torch.cat(said, 1))[0]
        text, steps = scores[..., : blank + 1], scores[..., blank + 1 :]
        loss = functional.cross_entropy(text.flatten(0, 1), wanted.flatten())
        loss = loss + functional.cross_entropy(steps.flatten(0, 1), torch.full((wanted.numel(),), DURATIONS.index(1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _encode_examples(model: Any) -> tuple[Any, list[str | None]]:
    """Encoded frames of sound with tones here and there, and the tone of each."""
    import torch

    random = np.random.default_rng(3)
    frames, classes = [], []
    for seed in range(24):
        seconds = float(random.uniform(1.5, 6.0))
        starts = np.arange(0.4, seconds - 1.0, 1.2) + random.uniform(0, 0.4)
        tones = [(str(random.choice(list(TONES))), float(s), float(s + 0.56)) for s in starts]
        sound = torch.from_numpy(make_tones(*tones, seconds=seconds, seed=seed))[None]
        encoded, _ = model(input_signal=sound, input_signal_length=torch.tensor([sound.shape[1]]))
        frames.append(encoded[0].T)
        for k in range(encoded.shape[2]):
            middle = (k + 0.5) * FRAME_S
            classes.append(next((name for name, a, b in tones if a <= middle <= b), None))
    return torch.cat(frames), classes


def _train_tokenizer(folder: Path) -> Path:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["low high low"] * 20),
        model_writer=model,
        vocab_size=15,
        model_type="bpe",
        minloglevel=2,
        bos_id=-1,
        eos_id=-1,
    )
    where = folder / "tokenizer"
    where.mkdir()
    (where / "tokenizer.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    tokens = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    (where / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    return where


def _configure(tokenizer: Path) -> Any:
    from omegaconf import OmegaConf

    return OmegaConf.create(
        {
            "sample_rate": 16_000,
            "compute_eval_loss": False,
            "tokenizer": {"dir": str(tokenizer), "type": "bpe"},
            "preprocessor": {
                "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
                "sample_rate": 16_000,
                "normalize": "per_feature",
                "window_size": 0.025,
                "window_stride": 0.01,
                "features": 80,
                "n_fft": 512,
                "dither": 1e-5,
                "pad_to": 0,
            },
            "model_defaults": {
                "enc_hidden": 32,
                "pred_hidden": 32,
                "joint_hidden": 32,
                "tdt_durations": DURATIONS,
                "num_tdt_durations": len(DURATIONS),
            },
            "encoder": {
                "_target_": "nemo.collections.asr.modules.ConformerEncoder",
                "feat_in": 80,
                "feat_out": -1,
                "n_layers": 1,
                "d_model": 32,
                "subsampling": "dw_striding",
                "subsampling_factor": 8,
                "subsampling_conv_channels": 8,
                "causal_downsampling": False,
                "ff_expansion_factor": 2,
                "self_attention_model": "rel_pos",
                "n_heads": 2,
                "att_context_size": [-1, -1],
                "xscaling": False,
                "pos_emb_max_len": 500,
                "conv_kernel_size": 5,
                "dropout": 0.0,
                "dropout_pre_encoder": 0.0,
                "dropout_emb": 0.0,
                "dropout_att": 0.0,
            },
            "decoder": {
                "_target_": "nemo.collections.asr.modules.RNNTDecoder",
                "normalization_mode": None,
                "random_state_sampling": False,
                "blank_as_pad": True,
                "prednet": {"pred_hidden": 32, "pred_rnn_layers": 1, "t_max": None, "dropout": 0.0},
            },
            "joint": {
                "_target_": "nemo.collections.asr.modules.RNNTJoint",
                "log_softmax": None,
                "preserve_memory": False,
                "fuse_loss_wer": False,
                "fused_batch_size": -1,
                "jointnet": {"joint_hidden": 32, "activation": "relu", "dropout": 0.0},
                "num_extra_outputs": len(DURATIONS),
            },
            "decoding": {
                "strategy": "greedy_batch",
                "model_type": "tdt",
                "durations": DURATIONS,
                "greedy": {"max_symbols": 3},
            },
            "loss": {
                "loss_name": "tdt",
                "tdt_kwargs": {"durations": DURATIONS, "sigma": 0.02, "omega": 0.1, "fastemit_lambda": 0.0},
            },
            "optim": {"name": "adamw", "lr": 1e-3},
        }
    )
