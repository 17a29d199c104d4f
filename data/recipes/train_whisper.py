"""Trains the demo recogniser: `python -m data.recipes.train_whisper`, then `python -m data.recipes.export_whisper`.

Three losses at once: the next token; which word sounds in each frame (without it, so small a corpus teaches
nothing for hours); and where the alignment heads look (they should look at the word they are about to print, which
later gives the words' times). Short windows first, then longer ones; at last more voices, people who interrupt
each other, throats of other lengths, and whole windows of 30 s after a prompt of what was said before.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import functional as F

from data.recipes.lexicon import WORDS
from data.recipes.whisper_corpus import load
from data.recipes.whisper_model import Shape, Whisper, padded_positions
from data.recipes.whisper_vocabulary import Vocabulary
from data.recipes.whisper_windows import FRAMES, IGNORED, Mixer, Window, log_mel
from data.recipes.word_errors import word_errors


@dataclass(frozen=True)
class Stage:
    """`seconds` a window (and `padding` more), `batch` windows a step and worker.

    The learning rate falls along a cosine from `rate` to `final`. `crowded` windows are those of `Mixer`, in the
    voices of all parts that are trained on; then each fourth step has windows of `LONG` seconds.
    """

    steps: int
    seconds: float
    batch: int
    padding: float
    rate: float
    final: float
    frame_weight: float
    crowded: bool = False

    def long(self) -> Stage:
        """The same work a step in whole windows."""
        return replace(self, seconds=LONG, padding=0, batch=round(self.batch * self.seconds / LONG))


LONG = 30.0
STAGES = (
    Stage(1500, 4, 12, 0, 1.5e-3, 1.0e-3, 1.0),
    Stage(1400, 10, 8, 1, 1.0e-3, 2e-5, 0.3),
    Stage(1600, 10, 8, 1, 8.0e-4, 1e-5, 0.3, crowded=True),
    Stage(2000, 10, 8, 1, 8.0e-4, 1e-5, 0.3, crowded=True),
)
_GUIDE_WEIGHT = 0.4
_EVERY = 150  # steps between looks at the development set
_VOCABULARY = Vocabulary.build()
_WORD_IDS = [_VOCABULARY.word(w) for w in WORDS]


@dataclass
class Batch:
    """mel (b, 80, frames × 2), tokens and labels (b, n), frame words (b, frames), guides (b, n, frames)."""

    mel: Tensor
    tokens: Tensor
    labels: Tensor
    frames: Tensor
    guides: Tensor


def target(
    window: Window, *, timed: bool, before: Sequence[int] = ()
) -> tuple[list[int], list[int], list[tuple[int, float, float]]]:
    """-> (decoder input, labels, [(position, start, end) of what each position should look at]).

    `before`: tokens of what was said earlier, as the engine shows them by default. An unfinished window ends with its
    last time said twice: the engine then goes on there.
    """
    v = _VOCABULARY
    start = [v.special(s) for s in ("startoftranscript", "en", "transcribe")]
    looks = [(_WORD_IDS[w], a, b) for w, a, b in window.words]
    if timed:
        first = window.words[0][1] if looks else 0.0
        looks = [(v.time(first), max(0.0, first - 0.1), first + 0.1), *looks]
        if window.words:
            last = min(max(b for _, _, b in window.words), window.length)
            looks += [(v.time(last), last - 0.1, last + 0.1)] * (2 if window.unfinished else 1)
    else:
        start.append(v.special("notimestamps"))
    after = [i for i, _, _ in looks] + [v.special("endoftext")]
    language = v.special("en") if window.words else v.special("nospeech")
    labels = [*[IGNORED] * len(before), language, *[IGNORED] * (len(start) - 2), *after]
    start = [*before, *start]
    return start + after[:-1], labels, [(len(start) - 1 + k, a, b) for k, (_, a, b) in enumerate(looks)]


def earlier(mixer: Mixer, rng: random.Random) -> list[int]:
    """A prompt of some sentences with their times, cut to the most that the engine gives."""
    v, tokens = _VOCABULARY, []
    for _ in range(rng.randint(1, 4)):
        words = [w for _ in range(rng.randint(1, 8)) for w in rng.choice(mixer.utterances).words.tolist()]
        tokens += [v.time(rng.uniform(0, 3)), *(_WORD_IDS[w] for w in words), v.time(rng.uniform(3, 30))]
    return [v.special("startofprev"), *tokens[-(Shape.tokens // 2 - 1) :]]


def collate(
    windows: list[Window], stage: Stage, rng: random.Random, *, timed: float, prompts: Sequence[Sequence[int]] = ()
) -> Batch:
    """Tensors of some windows; `timed` is the share that is taught with time tokens, each with one of `prompts`."""
    before = prompts or [()] * len(windows)
    made = [target(w, timed=rng.random() < timed, before=b) for w, b in zip(windows, before, strict=True)]
    count, longest, length = len(windows), max(len(t) for t, _, _ in made), round(stage.seconds * FRAMES)
    tokens = torch.full((count, longest), _VOCABULARY.special("endoftext"))
    labels = torch.full((count, longest), IGNORED)
    frames = torch.zeros(count, length, dtype=torch.long)
    guides = torch.zeros(count, longest, length)
    for i, (window, (inputs, outputs, looks)) in enumerate(zip(windows, made, strict=True)):
        tokens[i, : len(inputs)], labels[i, : len(outputs)] = torch.tensor(inputs), torch.tensor(outputs)
        for word, a, b in window.words:
            frames[i, int(a * FRAMES) : math.ceil(b * FRAMES)] = word + 1
        for position, a, b in looks:
            guides[i, position, max(0, int(a * FRAMES)) : math.ceil(b * FRAMES)] = 1
    return Batch(log_mel(windows, stage.padding, rng), tokens, labels, frames, guides)


def losses(model: Whisper, batch: Batch, offset: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """(next token, word of the frame, guided attention)."""
    content = batch.frames.shape[1]
    positions, bias = padded_positions(content, batch.mel.shape[2] // 2 - content, offset, generator)
    memory = model.encoder(batch.mel, positions, bias)
    logits, attention = model.decoder(batch.tokens, memory, bias)
    token = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED)
    frame = F.cross_entropy(model.frame_head(memory[:, :content]).flatten(0, 1), batch.frames.flatten())
    looked = (attention[:, :2, :, :content].mean(1) * batch.guides).sum(-1)
    guided = batch.guides.any(-1)
    return token, frame, -(looked[guided] + 1e-4).log().mean()


@torch.no_grad()
def error_rate(model: Whisper, windows: list[Window], seconds: float) -> float:
    """Word error rate of greedy decoding without time tokens, on windows of `seconds`."""
    v, generator = _VOCABULARY, torch.Generator().manual_seed(0)
    padding = 0 if seconds == LONG else 4
    positions, bias = padded_positions(round(seconds * FRAMES), padding * FRAMES, 0, generator)
    wrong = total = 0
    for i in range(0, len(windows), 32):
        some = windows[i : i + 32]
        mel = log_mel(some, padding, random.Random(0))
        memory = model.encoder(mel, positions, bias)
        start = [v.special(s) for s in ("startoftranscript", "en", "transcribe", "notimestamps")]
        tokens = torch.tensor([start] * len(some))
        for _ in range(round(4.8 * seconds)):
            logits, _ = model.decoder(tokens, memory, bias)
            tokens = torch.cat([tokens, logits[:, -1:].argmax(-1)], dim=1)
            if (tokens == v.special("endoftext")).any(1).all():
                break
        for window, row in zip(some, tokens[:, len(start) :].tolist(), strict=True):
            end = v.special("endoftext")
            said = row[: row.index(end)] if end in row else row
            wrong += word_errors([_WORD_IDS[w] for w, _, _ in window.words], said)
            total += len(window.words)
    return wrong / total


def train(
    worker: int, workers: int, cache: Path, out: Path, first: int = 0, first_step: int = 0, seed: int = 1
) -> None:
    """All stages in one of `workers` processes, which draw their own windows and share their gradients.

    `out` gets last.pt regularly, best.pt, the stage's best on the development set, and begun.pt, what the first
    crowded stage began with: what is exported is the mean of these two. The stages from number `first` on begin with
    the best.pt that is there, the first of them at its step `first_step`.
    """
    dist.init_process_group("gloo", rank=worker, world_size=workers)
    torch.set_num_threads(1)  # two processes of one thread wait less for each other than two threads do
    torch.manual_seed(seed)
    seed += first_step  # an interrupted training doesn't see the same windows again
    rng, generator = random.Random(seed + worker), torch.Generator().manual_seed(seed + worker)
    model = Whisper(Shape(len(_VOCABULARY)), len(WORDS))
    if first or first_step:
        model.load_state_dict(torch.load(out / "best.pt", weights_only=True))
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, betas=(0.9, 0.98), weight_decay=0.01)
    begun, done = time.monotonic(), 0
    for number, stage in enumerate(STAGES[first:], first):
        spoken = load("train", cache) + (load("others", cache) if stage.crowded else [])
        mixer = Mixer(spoken, 100 * seed + 10 * number + worker, crowded=stage.crowded)
        examiner = Mixer(load("dev", cache), 99, crowded=stage.crowded)
        if worker == 0 and stage.crowded and not STAGES[number - 1].crowded and not first_step:
            torch.save(model.state_dict(), out / "begun.pt")
        exam, best = [examiner.draw(STAGES[-1].seconds) for _ in range(96)], 1.0
        exam_long = [examiner.draw(LONG) for _ in range(32)]
        spare = round((STAGES[-1].seconds - stage.seconds) * FRAMES)
        for step in range(first_step if number == first else 0, stage.steps):
            fall = 0.5 + 0.5 * math.cos(math.pi * step / stage.steps)
            rate = stage.final + (stage.rate - stage.final) * fall
            optimiser.param_groups[0]["lr"] = rate * min(1.0, (done + 1) / 100)
            offset = rng.randint(0, spare) if spare and rng.random() < 0.5 else 0
            drawn = stage.long() if stage.crowded and step % 2 == 1 else stage
            windows = [mixer.draw(drawn.seconds) for _ in range(drawn.batch)]
            timed = 0.0 if offset else 0.6 if drawn.seconds == LONG else 0.4
            prompts = [earlier(mixer, rng) if timed == 0.6 and rng.random() < 0.6 else [] for _ in windows]
            batch = collate(windows, drawn, rng, timed=timed, prompts=prompts)
            token, frame, guide = losses(model, batch, offset, generator)
            optimiser.zero_grad()
            (token + stage.frame_weight * frame + _GUIDE_WEIGHT * guide).backward()
            _share_gradients(parameters, workers)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            done += 1
            if worker == 0 and done % 25 == 0:
                minutes = (time.monotonic() - begun) / 60
                print(f"{minutes:5.1f} min, step {done}: {token:.3f} {frame:.3f} {guide:.3f}", flush=True)
            if worker == 0 and (done % _EVERY == 0 or step + 1 == stage.steps):
                score = error_rate(model, exam, STAGES[-1].seconds)
                long = f", {error_rate(model, exam_long, LONG):.3f} in whole windows" if stage.crowded else ""
                print(f"step {done}: word error rate {score:.3f} on the development set{long}", flush=True)
                torch.save(model.state_dict(), out / "last.pt")
                if score < best:
                    best = score
                    torch.save(model.state_dict(), out / "best.pt")


def _share_gradients(parameters: list[Tensor], workers: int) -> None:
    """Every worker gets the mean of all gradients, and so all make the same step."""
    flat = torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters])
    dist.all_reduce(flat)
    parts = (flat / workers).split([p.numel() for p in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path("data/cache/recipes/whisper")
    parser.add_argument("--cache", type=Path, default=folder, help="folder of the speech, made if missing")
    parser.add_argument("--out", type=Path, default=folder, help="folder of the checkpoints")
    parser.add_argument("--workers", type=int, default=2, help="processes; the weights shipped were made with 2")
    parser.add_argument("--from-stage", type=int, default=0, help="go on with the best.pt in --out, stages from 0")
    parser.add_argument("--from-step", type=int, default=0, help="of that stage: an interrupted training goes on")
    arguments = parser.parse_args()
    for part in ("train", "others", "dev"):
        load(part, arguments.cache)
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29511")
    given = (arguments.workers, arguments.cache, arguments.out, arguments.from_stage, arguments.from_step)
    torch.multiprocessing.spawn(train, given, nprocs=arguments.workers)


if __name__ == "__main__":
    main()
