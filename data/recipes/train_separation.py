"""Makes the demo profile's separator, speech from everything else: a small HTDemucs, half an hour on a CPU.

    python -m data.recipes.train_separation --voices FOLDER

FOLDER holds recordings of real readers (see `data.recipes.readers`). Written to --out, in the layout in which
Demucs 4.1 reads its own models from the Hugging Face hub:

    htdemucs.yaml       names the weights, as `demucs.hf.get_hf_model("htdemucs")` expects
    model.safetensors   half-precision weights, with the class and its arguments in the metadata
    config.json         the arguments of `demucs.htdemucs.HTDemucs` once more, for other readers
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from data.recipes.averaging import AveragedWeights, learning_rate
from data.recipes.readers import RATE, load_readers
from data.recipes.separation_mixes import SECONDS, Mixes, test_mixes

STEPS = 2400
BATCH = 4
PEAK_RATE = 2e-3
ARGUMENTS: dict[str, Any] = {
    "sources": ["other", "vocals"],
    "audio_channels": 1,
    "samplerate": RATE,
    "segment": SECONDS,
    "nfft": 1024,
    "channels": 16,
    "channels_time": 8,
    "depth": 4,
    "dconv_comp": 4,
    "dconv_depth": 1,
    "t_layers": 1,
    "t_heads": 4,
    "t_hidden_scale": 2.0,
}


def spectrum(signals: Tensor) -> Tensor:
    """Compressed magnitudes, (signals, frequencies, frames): where quiet parts of speech count too."""
    flat = signals.reshape(-1, signals.shape[-1])
    bins = torch.stft(flat, 512, 128, window=torch.hann_window(512), return_complex=True)
    return bins.abs().clamp(min=1e-4).sqrt()


def loss_of(found: Tensor, sources: Tensor) -> Tensor:
    """Mean error of the samples and of the spectra, both sources alike; and the ratio that speech is measured by."""
    speech, wanted = found[:, 1, 0], sources[:, 1, 0]
    said = wanted.square().mean(-1) > 1e-3
    ratio = si_sdr(speech[said], wanted[said]).clamp(max=30).mean() if said.any() else speech.sum() * 0
    errors = functional.l1_loss(found, sources) + 0.3 * functional.l1_loss(spectrum(found), spectrum(sources))
    return errors - 0.01 * ratio


def si_sdr(found: Tensor, wanted: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB along the last axis."""
    scale = (found * wanted).sum(-1, keepdim=True) / (wanted.square().sum(-1, keepdim=True) + 1e-8)
    error = (found - scale * wanted).square().sum(-1)
    return 10 * ((scale * wanted).square().sum(-1) / (error + 1e-8) + 1e-8).log10()


@torch.inference_mode()
def separate(model: nn.Module, mixes: Tensor) -> Tensor:
    """Sources of mixes one by one, (mixes, sources, 1, samples)."""
    model.eval()
    found = torch.cat([model(mix[None]) for mix in mixes])
    model.train()
    return found


def measure(model: nn.Module, mixes: Tensor, sources: Tensor) -> dict[str, float]:
    speech = sources[:, 1]
    began = time.perf_counter()
    gain = si_sdr(separate(model, mixes)[:, 1], speech) - si_sdr(mixes, speech)
    seconds = time.perf_counter() - began
    return {
        "si_sdr_improvement_at_0_db": round(float(gain.mean()), 2),
        "si_sdr_of_clean_speech": round(float(si_sdr(separate(model, speech)[:, 1], speech).median()), 2),
        "times_real_time": round(mixes.shape[0] * mixes.shape[-1] / RATE / seconds, 1),
    }


def train(mixes: Mixes, development: tuple[Tensor, Tensor], steps: int, seed: int, out: Path) -> HTDemucs:
    """A model of averaged weights; what it is so far is saved to `out` at every look at the development set."""
    torch.manual_seed(seed)
    model = HTDemucs(**ARGUMENTS).train()
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=1e-2)
    average = AveragedWeights(model)
    began = time.monotonic()
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, PEAK_RATE)
        mix, sources = mixes.batch(BATCH)
        loss = loss_of(model(mix), sources)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        average.update()
        if step % 200 == 0 or step == steps:
            with average:
                figures = measure(model, *development)
                save(model, out)
            print(f"step {step}: {figures}, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    model.load_state_dict(average.state)
    return model.eval()


def save(model: HTDemucs, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arguments = json.dumps(ARGUMENTS)
    state = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": arguments}
    save_file(state, folder / "model.safetensors", metadata=metadata)
    (folder / "config.json").write_text(json.dumps(ARGUMENTS, indent=2) + "\n", encoding="utf-8")
    (folder / "htdemucs.yaml").write_text("models: [model]\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=Path, required=True, help="folder of FLAC files, one a person")
    parser.add_argument("--out", type=Path, default=Path("data/models/demo/separation"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    readers = load_readers(arguments.voices)
    development = test_mixes(readers.dev, arguments.seed + 1000)
    mixes = Mixes(readers, arguments.seed)
    save(train(mixes, development, arguments.steps, arguments.seed, arguments.out), arguments.out)
    reread = load_safetensors_model(arguments.out / "model.safetensors").eval()
    print(json.dumps(measure(reread, *test_mixes(readers.test, arguments.seed)), indent=1))


if __name__ == "__main__":
    main()
