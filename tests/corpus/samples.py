"""Samples that are no numbers, or not such as engines know: depths, rates, lengths, levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tests.corpus.kinds import RATE_HZ, TALK_S, Kind, add, kind, talk, talk_at

ABOUT = (TALK_S - 0.05, TALK_S + 0.05)


def floats(folder: Path, name: str, wave: npt.NDArray[np.floating]) -> Path:
    path = folder / name
    soundfile.write(path, wave, RATE_HZ, subtype="DOUBLE" if wave.dtype == np.float64 else "FLOAT")
    return path


def with_some(value: float, share: float = 0.01) -> npt.NDArray[np.float32]:
    """The talk with every so many samples replaced."""
    wave = talk().copy()
    wave[:: round(1 / share)] = value
    return wave


@kind("a float WAV with NaN in it", seconds=ABOUT)
def some_nan(folder: Path) -> Path:
    return floats(folder, "nan.wav", with_some(np.nan))


@kind("a float WAV of nothing but NaN", seconds=ABOUT, speech=False)
def all_nan(folder: Path) -> Path:
    return floats(folder, "all-nan.wav", with_some(np.nan, 1.0))


@kind("a float WAV with infinity in it", seconds=ABOUT)
def some_inf(folder: Path) -> Path:
    wave = with_some(np.inf)
    wave[50::100] = -np.inf
    return floats(folder, "inf.wav", wave)


@kind("a stereo WAV with NaN in one channel", seconds=ABOUT)
def one_dead_channel(folder: Path) -> Path:
    dead = np.full(len(talk()), np.nan, np.float32)
    dead[::2] = np.inf
    dead[::3] = -np.inf
    return floats(folder, "nan-left.wav", np.stack([dead, talk()], axis=1))


@kind("a stereo WAV of opposite infinities", seconds=ABOUT, speech=False)
def opposite(folder: Path) -> Path:
    ends = np.full(len(talk()), np.inf, np.float32)
    return floats(folder, "opposite.wav", np.stack([ends, -ends], axis=1))


@kind("a float WAV with values of 1e38", seconds=ABOUT)
def huge(folder: Path) -> Path:
    return floats(folder, "huge.wav", np.stack([with_some(3e38)] * 2, axis=1))


@kind("a double WAV with values of 1e300", seconds=ABOUT)
def huger(folder: Path) -> Path:
    return floats(folder, "huger.wav", np.asarray(with_some(0.0), np.float64) + 1e300 * (with_some(1.0) == 1.0))


@kind("a float WAV that was never scaled to 1", seconds=ABOUT, speech=False)
def unscaled(folder: Path) -> Path:
    return floats(folder, "unscaled.wav", talk() * 32_767)


@kind("a clipped float WAV", seconds=ABOUT)
def clipped(folder: Path) -> Path:
    return floats(folder, "clipped.wav", np.clip(talk() * 50, -1, 1))


@kind("a float WAV four times over full scale", seconds=ABOUT)
def over(folder: Path) -> Path:
    return floats(folder, "over.wav", talk() / np.abs(talk()).max() * 4)


@kind("a WAV of one sample", seconds=(0.0, 0.01), speech=False)
def one_sample(folder: Path) -> Path:
    path = folder / "one.wav"
    soundfile.write(path, talk()[:1], RATE_HZ)
    return path


@kind("a FLAC of one sample at 96 kHz", seconds=(0.0, 0.01), speech=False)
def one_fast_sample(folder: Path) -> Path:
    path = folder / "one.flac"
    soundfile.write(path, talk()[:1], 96_000)
    return path


@kind("silence", seconds=ABOUT, speech=False)
def silence(folder: Path) -> Path:
    path = folder / "silence.flac"
    soundfile.write(path, np.zeros_like(talk()), RATE_HZ)
    return path


@kind("96 kHz and 8 channels", seconds=ABOUT)
def eight_channels(folder: Path) -> Path:
    path = folder / "eight.wav"
    soundfile.write(path, np.stack([talk_at(96_000)] * 8, axis=1), 96_000, subtype="PCM_24")
    return path


@kind("a FLAC of 96 kHz and 8 channels", seconds=ABOUT)
def eight_flac(folder: Path) -> Path:
    path = folder / "eight.flac"
    soundfile.write(path, np.stack([talk_at(96_000)] * 8, axis=1), 96_000, subtype="PCM_24")
    return path


@kind("4 kHz", seconds=ABOUT)
def four_khz(folder: Path) -> Path:
    path = folder / "slow.wav"
    soundfile.write(path, talk_at(4_000), 4_000)
    return path


for _name, _subtype in (("8 bits", "PCM_U8"), ("A-law", "ALAW"), ("µ-law", "ULAW"), ("32 bits", "PCM_32")):

    def _made(folder: Path, subtype: str = _subtype) -> Path:
        path = folder / f"{subtype.lower()}.wav"
        soundfile.write(path, talk_at(8_000), 8_000, subtype=subtype)
        return path

    add(Kind(f"a WAV of {_name} at 8 kHz", _made, seconds=ABOUT))
