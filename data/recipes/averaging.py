"""What the training loops share: a learning rate, and weights averaged over steps."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def learning_rate(step: int, steps: int, peak: float, warmup: int = 100) -> float:
    """Rises for `warmup` steps, then falls as half a cosine to nearly nothing. Steps count from 1."""
    return peak * min(step / warmup, 0.5 + 0.5 * math.cos(math.pi * step / steps) + 0.003)


class AveragedWeights:
    """An exponential average of a model's weights and statistics: better than those of any one step."""

    def __init__(self, model: nn.Module, keep: float = 0.995) -> None:
        self._model = model
        self._keep = keep
        self._steps = 0
        self.state = self._copy()

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the model's present weights. The first average is short, or the start would linger."""
        self._steps += 1
        keep = min(self._keep, self._steps / (self._steps + 9))
        for name, value in self._model.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - keep)
            else:
                self.state[name].copy_(value)

    def __enter__(self) -> dict[str, Tensor]:
        """Within the block the model has the average weights; gives a copy of them."""
        self._own = self._copy()
        self._model.load_state_dict(self.state)
        return self._copy()

    def __exit__(self, *error: object) -> None:
        self._model.load_state_dict(self._own)

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._model.state_dict().items()}
