"""Small networks of the published ones' classes, with random weights, as files that the loaders read."""

from __future__ import annotations

from pathlib import Path


def write_campplus(path: Path) -> Path:
    """A CAM++ speaker model of a few thousand parameters: embeddings of 24 numbers."""
    import torch

    from tasks.diarization.campplus_network import CamPlusPlus

    torch.manual_seed(0)
    network = CamPlusPlus(mel=80, size=24, width=4, channels=16, growth=8, layers=(2, 3, 2))
    torch.save(network.state_dict(), path)
    return path


def write_segmentation(path: Path) -> Path:
    """A PyanNet of a few thousand parameters."""
    import torch

    from tasks.diarization.segmentation_network import PyanNet

    torch.manual_seed(0)
    network = PyanNet(filters=4, taps=251, channels=6, hidden=8, layers=2, width=8)
    torch.save({"state_dict": network.state_dict()}, path)
    return path
