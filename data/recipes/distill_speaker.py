"""Makes the demo profile's speaker model learn from CAM++: its embeddings of any sound are what is to be learnt.

    daylong models fetch --profile light
    python -m data.recipes.distill_speaker --voices FOLDER --work FOLDER --start data/models/demo/speaker.nemo

--voices holds recordings of real readers (see `data.recipes.readers`); of those for training, stretches of 6 s and
ever new voices made of them (`new_voices`), and synthetic voices, are shown to the teacher. What it says is kept in
--work, so that another training begins at once. The network sees windows of 1.4–2.6 s of a stretch, degraded more
and more often, and learns the teacher's embedding of the whole clean stretch, less the mean of all. Kept is
the average of recent weights that comes closest to the teacher on readers held out for that choice. Written:
`speaker.nemo` in --out, and, to the terminal, figures on readers that it has not heard.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from nemo.collections.asr.models import EncDecSpeakerLabelModel
from nemo.utils import logging
from torch import Tensor
from torch.nn import functional

from data.recipes.averaging import AveragedWeights, learning_rate
from data.recipes.degradation import Degrader
from data.recipes.lessons import Lessons, Teacher, campplus, cut, prepare
from data.recipes.measure_speaker import embed, verify, windows
from data.recipes.readers import RATE, Samples, load_readers
from data.recipes.speaker_voices import background_music, synthetic_voices
from data.recipes.train_speaker import build, mask

ROUNDS = 40
"""Stretches of each voice that the teacher is shown."""

STEPS = 4000
BATCH = 64
WIDTH, SIZE = 128, 192
PEAK_RATE = 2e-3
TEMPERATURE = 0.1
DEGRADED = 0.3
"""Share of the windows, in the second half of the training."""


def batches(lessons: Lessons, targets: Tensor, rng: random.Random) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows, (`BATCH`, samples), and what is to be learnt of each, (`BATCH`, dimensions)."""
    while True:
        size = rng.randint(int(1.4 * RATE), int(2.6 * RATE))
        chosen = [rng.randrange(len(targets)) for _ in range(BATCH)]
        clips = np.stack([cut(lessons.samples[i], size, rng) for i in chosen])
        yield torch.from_numpy(clips).float() / 32768, targets[chosen]


def loss_of(found: Tensor, wanted: Tensor, others: Tensor) -> Tensor:
    """How far embeddings are from the teacher's, and how differently they rank `others`, the teacher's embeddings
    of everything: both (n, dimensions) of unit length. The second is what embeddings are used for (as in
    Z. Fang et al. 2021, arXiv:2101.04731)."""
    apart = (1 - (found * wanted).sum(1)).mean()
    ranks = functional.log_softmax(found @ others.T / TEMPERATURE, 1)
    right = functional.softmax(wanted @ others.T / TEMPERATURE, 1)
    return apart + TEMPERATURE * functional.kl_div(ranks, right, reduction="batchmean")


def warm_start(model: EncDecSpeakerLabelModel, file: Path) -> None:
    """Take encoder and pooling from the earlier model of the same width in `file`; embeddings are learnt anew."""
    earlier = EncDecSpeakerLabelModel.restore_from(str(file), map_location="cpu")
    model.encoder.load_state_dict(earlier.encoder.state_dict())
    model.decoder._pooling.load_state_dict(earlier.decoder._pooling.state_dict())


def closeness(model: EncDecSpeakerLabelModel, voices: Sequence[Samples], targets: Tensor) -> float:
    """Mean cosine between the embeddings of windows of 2 s of each voice and its target."""
    clips = [(clip, i) for i, voice in enumerate(voices) for clip in windows(voice, 2.0, 6)]
    found = embed(model, [clip for clip, _ in clips])
    return float((found * targets[[i for _, i in clips]]).sum(1).mean())


def train(
    model: EncDecSpeakerLabelModel, lessons: Lessons, dev: Sequence[Samples], teacher: Teacher, steps: int, seed: int
) -> None:
    """Leaves the model with the best weights, ready for use."""
    rng = random.Random(seed)
    mean = torch.from_numpy(lessons.targets).mean(0)
    targets = functional.normalize(torch.from_numpy(lessons.targets) - mean, dim=1)
    wanted = torch.from_numpy(np.concatenate([teacher(voice[None]) for voice in dev]))
    wanted = functional.normalize(wanted - mean, dim=1)
    degrade = Degrader(seed, background_music(seed))
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=0.02)
    average = AveragedWeights(model)
    best, kept = -1.0, average.state
    began = time.monotonic()
    model.train()
    for step, (clips, target) in zip(range(1, steps + 1), batches(lessons, targets, rng), strict=False):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, PEAK_RATE)
        share = DEGRADED * min(1, 2 * step / steps)
        lengths = torch.full((len(clips),), clips.shape[1])
        hurt = torch.rand(len(clips)) < share
        if hurt.any():
            clips[hurt] = degrade(clips[hurt], share=1.0)
        with torch.no_grad():
            features, frames = model.preprocessor(input_signal=clips, length=lengths)
        with torch.autocast("cpu", torch.bfloat16):
            encoded, frames = model.encoder(audio_signal=mask(features, share, rng), length=frames)
        _, found = model.decoder(encoder_output=encoded.float(), length=frames)
        loss = loss_of(functional.normalize(found, dim=1), target, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        average.update()
        if step % 200 == 0 or step == steps:
            with average as weights:
                near = closeness(model, dev, wanted)
            if near > best:
                best, kept = near, weights
            minutes = (time.monotonic() - began) / 60
            print(f"step {step}: loss {loss.item():.3f}, dev cosine {near:.3f}, {minutes:.1f} min", flush=True)
    model.load_state_dict(kept)
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=Path, required=True, help="folder of FLAC files, one a person")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the teacher says")
    parser.add_argument("--teacher", type=Path, help="CAM++ state dict; default: the fetched one")
    parser.add_argument("--start", type=Path, help="earlier speaker.nemo to begin with; default: from nothing")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.setLevel("ERROR")
    torch.set_num_threads(arguments.threads)
    readers = load_readers(arguments.voices)
    voices = [*readers.train, *synthetic_voices(random.Random(arguments.seed), arguments.seed)]
    teacher = campplus(arguments.teacher)
    lessons = prepare(voices, teacher, arguments.rounds, arguments.work, arguments.seed)
    torch.manual_seed(arguments.seed)
    np.random.seed(arguments.seed)  # NeMo's layers
    model = build(2, WIDTH, SIZE)
    if arguments.start:
        warm_start(model, arguments.start)
    train(model, lessons, readers.dev, teacher, arguments.steps, arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    model.save_to(str(arguments.out / "speaker.nemo"))
    figures = {f"eer_real_{s}s": verify(model, readers.test, s, count) for s, count in ((3.0, 2), (1.5, 3))}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
