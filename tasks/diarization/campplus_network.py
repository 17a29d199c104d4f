"""CAM++: a densely connected time delay network with context-aware masking (Wang et al. 2023, arXiv:2303.00332).

The modules' names are those of the state dicts that 3D-Speaker publishes, which are loaded strictly. Imports torch:
import it inside of loaders only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

BLOCKS = ((3, 1), (3, 2), (3, 2))
"""Kernel and dilation, in frames, of the layers of each dense block."""
SEGMENT = 100
"""Frames over which a mask's context is averaged, besides that of the whole window."""


class ResidualBlock(nn.Module):  # type: ignore[misc]
    """Two 3×3 convolutions beside a shortcut; halves the frequency axis where `stride` is 2."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, width, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Any) -> Any:
        out = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class FrontEnd(nn.Module):  # type: ignore[misc]
    """Features (B, mel, T) -> (B, width · mel / 8, T) by two-dimensional convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(ResidualBlock(width, 2), ResidualBlock(width, 1))
        self.layer2 = nn.Sequential(ResidualBlock(width, 2), ResidualBlock(width, 1))
        self.conv2 = nn.Conv2d(width, width, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Any) -> Any:
        out = self.layer2(self.layer1(functional.relu(self.bn1(self.conv1(x.unsqueeze(1))))))
        return functional.relu(self.bn2(self.conv2(out))).flatten(1, 2)


class Nonlinear(nn.Module):  # type: ignore[misc]
    """Batch normalisation and, unless `relu` is False, a rectifier."""

    def __init__(self, channels: int, relu: bool = True, affine: bool = True) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=affine)
        self._relu = relu

    def forward(self, x: Any) -> Any:
        out = self.batchnorm(x)
        return functional.relu(out) if self._relu else out


class TimeDelay(nn.Module):  # type: ignore[misc]
    """The first convolution over time; halves the frames."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = Nonlinear(outputs)

    def forward(self, x: Any) -> Any:
        return self.nonlinear(self.linear(x))


class MaskedConvolution(nn.Module):  # type: ignore[misc]
    """A convolution whose outputs are weighed by a mask from the context: the window's mean and the segment's."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.linear_local = nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(inputs, inputs // 2, 1)
        self.linear2 = nn.Conv1d(inputs // 2, outputs, 1)

    def forward(self, x: Any) -> Any:
        segments = functional.avg_pool1d(x, SEGMENT, SEGMENT, ceil_mode=True)
        context = x.mean(-1, keepdim=True) + segments.repeat_interleave(SEGMENT, -1)[..., : x.shape[-1]]
        return self.linear_local(x) * torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))


class DenseLayer(nn.Module):  # type: ignore[misc]
    """A layer of a dense block: `inputs` channels -> `growth` new ones, by a bottleneck of four times `growth`."""

    def __init__(self, inputs: int, growth: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = Nonlinear(inputs)
        self.linear1 = nn.Conv1d(inputs, 4 * growth, 1, bias=False)
        self.nonlinear2 = Nonlinear(4 * growth)
        self.cam_layer = MaskedConvolution(4 * growth, growth, kernel, dilation)

    def forward(self, x: Any) -> Any:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class DenseBlock(nn.Module):  # type: ignore[misc]
    """Layers that each see the outputs of all before them."""

    def __init__(self, layers: int, inputs: int, growth: int, kernel: int, dilation: int) -> None:
        super().__init__()
        for i in range(layers):
            self.add_module(f"tdnnd{i + 1}", DenseLayer(inputs + i * growth, growth, kernel, dilation))

    def forward(self, x: Any) -> Any:
        for layer in self.children():
            x = torch.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):  # type: ignore[misc]
    """Halves the channels between dense blocks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = Nonlinear(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Any) -> Any:
        return self.linear(self.nonlinear(x))


class StatisticsPooling(nn.Module):  # type: ignore[misc]
    """Mean and standard deviation over time, (B, C, T) -> (B, 2 C)."""

    def forward(self, x: Any) -> Any:
        return torch.cat([x.mean(-1), x.std(-1)], -1)


class Embedding(nn.Module):  # type: ignore[misc]
    """Pooled statistics -> the embedding."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.nonlinear = Nonlinear(outputs, relu=False, affine=False)

    def forward(self, x: Any) -> Any:
        return self.nonlinear(self.linear(x.unsqueeze(-1)).squeeze(-1))


class CamPlusPlus(nn.Module):  # type: ignore[misc]
    """Mel features (B, T, `mel`), their mean over time subtracted -> embeddings (B, `size`), not normalised.

    `layers`: of each of the three dense blocks.
    """

    def __init__(
        self,
        mel: int = 80,
        size: int = 192,
        width: int = 32,
        channels: int = 128,
        growth: int = 32,
        layers: tuple[int, ...] = (12, 24, 16),
    ) -> None:
        super().__init__()
        self.head = FrontEnd(width)
        self.xvector = nn.Sequential()
        self.xvector.add_module("tdnn", TimeDelay(width * (mel // 8), channels))
        for i, (count, (kernel, dilation)) in enumerate(zip(layers, BLOCKS, strict=True), start=1):
            self.xvector.add_module(f"block{i}", DenseBlock(count, channels, growth, kernel, dilation))
            channels += count * growth
            self.xvector.add_module(f"transit{i}", Transition(channels))
            channels //= 2
        self.xvector.add_module("out_nonlinear", Nonlinear(channels))
        self.xvector.add_module("stats", StatisticsPooling())
        self.xvector.add_module("dense", Embedding(2 * channels, size))

    def forward(self, features: Any) -> Any:
        return self.xvector(self.head(features.transpose(1, 2)))


def build(state: Mapping[str, Any]) -> CamPlusPlus:
    """The network that a state dict belongs to, of whatever size, with its weights.

    Raises KeyError or RuntimeError where it is of another network.
    """
    names = [name.split(".") for name in state]
    layers = tuple(
        max(int(n[2].removeprefix("tdnnd")) for n in names if n[1] == f"block{i}") for i in range(1, len(BLOCKS) + 1)
    )
    width = state["head.conv1.weight"].shape[0]
    channels, inputs, _ = state["xvector.tdnn.linear.weight"].shape
    network = CamPlusPlus(
        mel=8 * inputs // width,
        size=state["xvector.dense.linear.weight"].shape[0],
        width=width,
        channels=channels,
        growth=state["xvector.block1.tdnnd1.cam_layer.linear_local.weight"].shape[0],
        layers=layers,
    )
    network.load_state_dict(state, strict=True)
    return network
