"""Whisper, small, in plain PyTorch: the same computation and parameter names as in transformers.

Written out for one reason: faster-whisper pads every window with silence to 30 s, which costs several times the
work of the speech itself. Here a few padding frames stand for all of them: they take positions drawn from the
padding, and the logarithm of how many frames each stands for is added to their attention scores. On average
this is what attention over all the padding would give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POSITIONS = 1500
"""Encoder frames of 20 ms in 30 s."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the model. The last decoder layer's first two heads are the alignment heads."""

    vocabulary: int
    width: int = 128
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 2
    mels: int = 80
    tokens: int = 448


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))
        self.k_proj = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Tensor, memory: Tensor, bias: Tensor | None, *, show: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """-> (batch, queries, width) and, to `show`, the weights (batch, heads, queries, keys).

        `bias` joins the scores. Weights that nobody wants to see are never made: that is several times faster.
        """
        q, k, v = (
            p(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for p, y in ((self.q_proj, x), (self.k_proj, memory), (self.v_proj, memory))
        )
        weights = None
        if show:
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
            weights = (scores if bias is None else scores + bias).softmax(-1)
            y = weights @ v
        else:
            mask = None if bias is None else bias.expand(*q.shape[:3], k.shape[2])
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(y.transpose(1, 2).flatten(2)), weights


class Layer(nn.Module):
    """An encoder layer, or with `cross` a decoder layer."""

    def __init__(self, width: int, heads: int, *, cross: bool) -> None:
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        if cross:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        bias: Tensor | None,
        memory: Tensor | None = None,
        memory_bias: Tensor | None = None,
        *,
        show: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        y = self.self_attn_layer_norm(x)
        x, weights = x + self.self_attn(y, y, bias)[0], None
        if memory is not None:
            y = self.encoder_attn_layer_norm(x)
            y, weights = self.encoder_attn(y, memory, memory_bias, show=show)
            x = x + y
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))), weights


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.conv1 = nn.Conv1d(shape.mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding.from_pretrained(sinusoids(POSITIONS, width), freeze=True)
        self.layers = nn.ModuleList(Layer(width, shape.heads, cross=False) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor, positions: Tensor, bias: Tensor | None) -> Tensor:
        """mel (batch, mels, 2 × frames), positions and bias (frames,) -> (batch, frames, width)."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2) + self.embed_positions(positions)
        for layer in self.layers:
            x, _ = layer(x, bias)
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(shape.tokens, shape.width)
        self.layers = nn.ModuleList(Layer(shape.width, shape.heads, cross=True) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor, memory: Tensor, memory_bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """-> logits (batch, tokens, vocabulary), last layer's cross attention (batch, heads, tokens, frames)."""
        n = tokens.shape[1]
        causal = torch.full((n, n), -math.inf).triu(1)
        x = self.embed_tokens(tokens) + self.embed_positions.weight[:n]
        weights = None
        for i, layer in enumerate(self.layers, 1):
            x, weights = layer(x, causal, memory, memory_bias, show=i == len(self.layers))
        return self.layer_norm(x) @ self.embed_tokens.weight.T, weights


class Whisper(nn.Module):
    """Encoder, decoder and, for the training only, `frame_head`: which word sounds in each frame."""

    def __init__(self, shape: Shape, words: int) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)
        self.frame_head = nn.Linear(shape.width, words + 1)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Embedding) and module.weight.requires_grad:
                nn.init.normal_(module.weight, std=0.02 if isinstance(module, nn.Embedding) else 0.05)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's fixed positions, shape (length, width)."""
    rate = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angle = torch.arange(length)[:, None] * rate[None]
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def padded_positions(
    content: int, padding: int, offset: int, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Positions and attention bias of `content` frames from `offset` on, and `padding` frames for all the rest."""
    here = torch.arange(offset, offset + content)
    if padding == 0:
        return here, None
    rest = POSITIONS - offset - content
    drawn = offset + content + torch.randperm(rest, generator=generator)[:padding].sort().values
    bias = torch.zeros(content + padding)
    bias[content:] = math.log(rest / padding)
    return torch.cat([here, drawn]), bias
