"""PyanNet: a network that finds up to three speakers, two at a time, in windows of sound.

Learned band-pass filters (SincNet, Ravanelli and Bengio 2018, arXiv:1808.00158), recurrent layers and a classifier of
the sets of speakers ("power set", Plaquet and Bredin 2023, arXiv:2310.13025; Bredin 2023, pyannote.audio 2.1). The
modules' names are those of the state dicts that pyannote publishes, which are loaded strictly. Imports torch: import
it inside of loaders only.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tasks.records import SAMPLE_RATE_HZ

LOWEST_HZ, NARROWEST_HZ = 50.0, 50.0
"""Least cut-off and least width of a band-pass filter."""
STRIDE = 10
"""Samples between two outputs of the filters; each of three poolings divides them by 3."""


class SincFilters(nn.Module):  # type: ignore[misc]
    """Band-pass filters, as cosine and sine, of learned cut-off frequencies: (2 N, 1, taps)."""

    def __init__(self, count: int, taps: int) -> None:
        super().__init__()
        half = taps // 2
        self.low_hz_ = nn.Parameter(torch.linspace(30.0, SAMPLE_RATE_HZ / 2 - 100.0, count)[:, None])
        self.band_hz_ = nn.Parameter(torch.full((count, 1), 100.0))
        self.register_buffer("window_", torch.hamming_window(taps, periodic=False)[:half])
        self.register_buffer("n_", 2 * torch.pi * torch.arange(-half, 0.0)[None] / SAMPLE_RATE_HZ)

    def forward(self) -> Any:
        low = LOWEST_HZ + self.low_hz_.abs()
        high = torch.clamp(low + NARROWEST_HZ + self.band_hz_.abs(), LOWEST_HZ, SAMPLE_RATE_HZ / 2)
        lower, upper, band = low @ self.n_, high @ self.n_, high - low
        even = (torch.sin(upper) - torch.sin(lower)) / (self.n_ / 2) * self.window_
        odd = (torch.cos(lower) - torch.cos(upper)) / (self.n_ / 2) * self.window_
        cosines = torch.cat([even, 2 * band, even.flip(1)], 1)
        sines = torch.cat([odd, torch.zeros_like(band), -odd.flip(1)], 1)
        return (torch.cat([cosines, sines]) / (2 * torch.cat([band, band]))).unsqueeze(1)


class SincConvolution(nn.Module):  # type: ignore[misc]
    """A convolution with `SincFilters`."""

    def __init__(self, count: int, taps: int) -> None:
        super().__init__()
        self.filterbank = SincFilters(count, taps)

    def forward(self, x: Any) -> Any:
        return functional.conv1d(x, self.filterbank(), stride=STRIDE)


class SincNet(nn.Module):  # type: ignore[misc]
    """Samples (B, 1, n) -> features (B, C, T), one every 270 samples."""

    def __init__(self, filters: int, taps: int, channels: int) -> None:
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm1d(1, affine=True)
        self.conv1d = nn.ModuleList(
            [
                SincConvolution(filters, taps),
                nn.Conv1d(2 * filters, channels, 5),
                nn.Conv1d(channels, channels, 5),
            ]
        )
        self.norm1d = nn.ModuleList([nn.InstanceNorm1d(c, affine=True) for c in (2 * filters, channels, channels)])

    def forward(self, x: Any) -> Any:
        x = self.conv1d[0](self.wav_norm1d(x)).abs()
        x = functional.leaky_relu(self.norm1d[0](functional.max_pool1d(x, 3)))
        for conv, norm in zip(self.conv1d[1:], self.norm1d[1:], strict=True):
            x = functional.leaky_relu(norm(functional.max_pool1d(conv(x), 3)))
        return x


class PyanNet(nn.Module):  # type: ignore[misc]
    """Samples (B, 1, n) at 16 kHz -> probabilities (B, T, classes) of the sets of speakers, one every 270 samples."""

    def __init__(
        self,
        classes: int = 7,
        filters: int = 40,
        taps: int = 251,
        channels: int = 60,
        hidden: int = 128,
        layers: int = 4,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.sincnet = SincNet(filters, taps, channels)
        self.lstm = nn.LSTM(channels, hidden, num_layers=layers, bidirectional=True, batch_first=True)
        self.linear = nn.ModuleList([nn.Linear(2 * hidden, width), nn.Linear(width, width)])
        self.classifier = nn.Linear(width, classes)

    def forward(self, samples: Any) -> Any:
        x, _ = self.lstm(self.sincnet(samples).transpose(1, 2))
        for linear in self.linear:
            x = functional.leaky_relu(linear(x))
        return torch.softmax(self.classifier(x), -1)


def build(state: Mapping[str, Any]) -> PyanNet:
    """The network that a state dict belongs to, of whatever size, with its weights.

    Raises KeyError or RuntimeError where it is of another network.
    """
    filters = state["sincnet.conv1d.0.filterbank.low_hz_"].shape[0]
    hidden = state["lstm.weight_hh_l0"].shape[1]
    network = PyanNet(
        classes=state["classifier.weight"].shape[0],
        filters=filters,
        taps=2 * state["sincnet.conv1d.0.filterbank.window_"].shape[0] + 1,
        channels=state["sincnet.conv1d.1.weight"].shape[0],
        hidden=hidden,
        layers=sum(name.startswith("lstm.weight_hh_l") and not name.endswith("_reverse") for name in state),
        width=state["linear.0.weight"].shape[0],
    )
    network.load_state_dict(state, strict=True)
    return network


def list_speaker_sets(speakers: int, together: int) -> list[tuple[int, ...]]:
    """The sets of speakers that the classes stand for, in their order.

    >>> list_speaker_sets(3, 2)
    [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    return [group for size in range(together + 1) for group in combinations(range(speakers), size)]
