"""Makes the demo profile's speaker model: a small TitaNet-style network, 20 minutes on a CPU.

    python -m data.recipes.train_speaker --voices FOLDER

FOLDER holds recordings of real readers (see `data.recipes.readers`). The network learns to tell their voices,
copies of them at other speeds and the synthetic voices apart, in windows of 1.0–1.6 s that are degraded more
and more often. Kept is the average of recent weights that does best on readers held out for that choice.
Written: `speaker.nemo` in --out, and, to the terminal, figures on voices and sentences it has not heard.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from nemo.collections.asr.models import EncDecSpeakerLabelModel
from nemo.utils import logging
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn import functional

from data.recipes.averaging import AveragedWeights, learning_rate
from data.recipes.degradation import Degrader
from data.recipes.measure_speaker import diarization_error, diarize, verify
from data.recipes.readers import RATE, load_readers
from data.recipes.speaker_voices import Voices, background_music, conversation, gather

STEPS = 2000
PEOPLE = 24  # voices in a batch, two windows of each
SYNTHETIC = 5  # of them synthetic
WIDTH = 128
PEAK_RATE = 3e-3
SCALE, MARGIN = 30.0, 0.2  # of the angular margin loss


def build(classes: int, width: int = WIDTH, size: int = 128) -> EncDecSpeakerLabelModel:
    """80 mel bands → separable convolutions at a quarter of the rate → attention pooling → `size` dimensions."""

    def block(
        filters: int, kernel: int, repeat: int = 1, residual: bool = False, stride: int = 1
    ) -> dict[str, object]:
        return {
            "filters": filters, "repeat": repeat, "kernel": [kernel], "stride": [stride], "dilation": [1],
            "dropout": 0.1, "residual": residual, "separable": True, "se": True, "se_context_size": -1,
        }  # fmt: skip

    blocks = [
        block(width, 5, stride=2), block(width, 7, residual=True), block(width, 5, stride=2),
        block(width, 7, 2, residual=True), block(width, 11, 2, residual=True), block(3 * width, 1),
    ]  # fmt: skip
    config = {
        "sample_rate": RATE,
        "labels": None,
        # `get_embedding` reads these keys even though nothing is trained there.
        "train_ds": {
            "manifest_filepath": None, "sample_rate": RATE, "labels": None, "batch_size": 8, "shuffle": True,
        },
        "validation_ds": None,
        "model_defaults": {"filters": width},
        "preprocessor": {
            "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
            "normalize": "per_feature", "window_size": 0.025, "window_stride": 0.01, "window": "hann",
            "sample_rate": RATE, "features": 80, "n_fft": 512, "frame_splicing": 1, "dither": 1e-5,
        },
        "encoder": {
            "_target_": "nemo.collections.asr.modules.ConvASREncoder",
            "feat_in": 80, "activation": "relu", "conv_mask": True, "jasper": blocks,
        },
        "decoder": {
            "_target_": "nemo.collections.asr.modules.SpeakerDecoder",
            "feat_in": 3 * width, "num_classes": classes, "angular": True,
            "pool_mode": "attention", "emb_sizes": size,
        },
        "loss": {
            "_target_": "nemo.collections.asr.losses.angularloss.AngularSoftmaxLoss",
            "scale": SCALE, "margin": MARGIN,
        },
        "optim": {"name": "sgd", "lr": 0.08},
    }  # fmt: skip
    return EncDecSpeakerLabelModel(cfg=OmegaConf.create(config))


def batch(voices: Voices, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Two windows of each of `PEOPLE` voices: (windows, samples), and the class of each."""
    size = rng.randint(RATE, int(1.6 * RATE))
    chosen = rng.sample(voices.real, PEOPLE - SYNTHETIC) + rng.sample(voices.synthetic, SYNTHETIC)
    clips, labels = [], []
    for label in chosen:
        samples = voices.samples[label]
        for _ in range(2):
            start = rng.randrange(max(1, len(samples) - size))
            clips.append(np.resize(samples[start : start + size], size))
            labels.append(label)
    return torch.from_numpy(np.stack(clips)).float() / 32768, torch.tensor(labels)


def mask(features: Tensor, share: float, rng: random.Random) -> Tensor:
    """Hides a band and a stretch of time in a share of normalised features, (windows, bands, frames)."""
    features = features.clone()
    for row in (row for row in features if rng.random() < share):
        low, first = rng.randrange(70), rng.randrange(row.shape[1])
        row[low : low + rng.randrange(12)] = 0
        row[:, first : first + rng.randrange(20)] = 0
    return features


def loss_of(cosines: Tensor, embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
    """The angular margin loss over all classes, and between the two windows of each voice of the batch.

    The first learns the training voices; the second asks directly for what the embeddings are used for.
    """
    angle = cosines.gather(1, labels[:, None]).clamp(-1 + 1e-6, 1 - 1e-6).acos()
    harder = cosines.scatter(1, labels[:, None], (angle + margin).cos())
    by_class = functional.cross_entropy(SCALE * harder, labels)
    first, second = functional.normalize(embeddings, dim=1).view(-1, 2, embeddings.shape[1]).unbind(1)
    pairs = 12 * first @ second.T
    own = torch.arange(len(pairs))
    between = (functional.cross_entropy(pairs, own) + functional.cross_entropy(pairs.T, own)) / 2
    return by_class + between


def train(voices: Voices, steps: int, seed: int) -> EncDecSpeakerLabelModel:
    rng = random.Random(seed)
    torch.manual_seed(seed)
    np.random.seed(seed)  # NeMo's layers
    model = build(len(voices.samples)).train()
    degrade = Degrader(seed, background_music(seed))
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=0.02)
    average = AveragedWeights(model)
    best, kept = math.inf, average.state
    began = time.monotonic()
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, PEAK_RATE)
        share = 0.8 * step / steps  # clean voices first: from degraded ones alone it starts to learn late
        clips, labels = batch(voices, rng)
        lengths = torch.full((len(clips),), clips.shape[1])
        features, frames = model.preprocessor(input_signal=degrade(clips, share), length=lengths)
        encoded, frames = model.encoder(audio_signal=mask(features, share, rng), length=frames)
        cosines, embeddings = model.decoder(encoder_output=encoded, length=frames)
        loss = loss_of(cosines, embeddings, labels, margin=MARGIN * min(1, step / steps / 0.6))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        average.update()
        if step % 200 == 0 or step == steps:
            with average as weights:
                error = verify(model, voices.dev, 1.5, 3)
            if error <= best and step > steps / 2:
                best, kept = error, weights
            minutes = (time.monotonic() - began) / 60
            print(f"step {step}: loss {loss.item():.2f}, dev EER {error:.3f}, {minutes:.1f} min", flush=True)
    model.load_state_dict(kept)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=Path, required=True, help="folder of FLAC files, one a person")
    parser.add_argument("--out", type=Path, default=Path("data/models/demo"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.setLevel("ERROR")
    torch.set_num_threads(arguments.threads)
    readers = load_readers(arguments.voices)
    voices = gather(readers, arguments.seed)
    print(f"{len(voices.real)} real and {len(voices.synthetic)} synthetic classes", flush=True)
    model = train(voices, arguments.steps, arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    model.save_to(str(arguments.out / "speaker.nemo"))
    figures = {
        "eer_real_3s": verify(model, readers.test, 3.0, 1),
        "eer_real_1.5s": verify(model, readers.test, 1.5, 3),
        "eer_synthetic_1.5s": verify(model, voices.unseen_sentences, 1.5, 10),
    }
    talk = conversation(arguments.seed)
    found = diarize(model, talk.samples, [(begin, end) for begin, end, _ in talk.turns])
    figures["der_four_synthetic_voices"] = diarization_error(talk.turns, found)
    figures["voices_found_of_four"] = len({label for _, _, label in found})
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
