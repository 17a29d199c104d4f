"""Small networks of the published ones' classes, with random weights or trained for a second, as files that the
loaders read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


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


TONES_HZ = (400.0, 1_900.0)
"""The voices that `write_nemotron` knows: its first speaker and its second."""


def speak_in_tones(turns: list[tuple[float, float, int]], duration_s: float) -> NDArray[np.float32]:
    """16 kHz sound in which the speaker of each turn (start, end, speaker) is one of `TONES_HZ`, over soft noise."""
    times = np.arange(round(duration_s * 16_000)) / 16_000
    sound = np.random.default_rng(0).normal(0, 0.002, len(times))
    for start, end, speaker in turns:
        sound += np.where((times >= start) & (times < end), 0.2 * np.sin(2 * np.pi * TONES_HZ[speaker] * times), 0.0)
    return sound.astype(np.float32)


def write_nemotron(path: Path, steps: int = 120) -> Path:
    """A Nemotron-3-Diarization of a few thousand parameters, trained for a second to tell two tones apart."""
    import torch
    from transformers import (
        Nemotron3DiarizationConfig,
        Nemotron3DiarizationForAudioFrameClassification,
        Nemotron3DiarizationProcessor,
        NemotronAsrStreamingFeatureExtractor,
    )

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
        network = Nemotron3DiarizationForAudioFrameClassification(
            Nemotron3DiarizationConfig(
                audio_config=encoder | {"num_mel_bins": 40},
                head_config={"hidden_size": 32, "audio_hidden_size": 32},
                streaming_config={"speaker_cache_length": 64},
                chunk_length=50,
                chunk_right_context=10,
            )
        )
        processor = Nemotron3DiarizationProcessor(NemotronAsrStreamingFeatureExtractor(feature_size=40))
        turns = [(0.5, 1.6, 0), (1.2, 2.5, 1), (3.0, 3.4, 1), (3.6, 4.5, 0)]
        inputs = processor(speak_in_tones(turns, 5.0), sampling_rate=16_000)
        times = torch.arange(inputs.input_features.shape[1]) / 100
        truth = torch.zeros(1, len(times), 8)
        for start, end, speaker in turns:
            truth[0, (times >= start) & (times < end), speaker] = 1
        with torch.no_grad():  # the speakers that are never heard
            network.classifier.out_proj.weight[2:], network.classifier.out_proj.bias[2:] = 0.0, -5.0
        optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
        for _ in range(steps):
            optimizer.zero_grad()
            logits = network(**inputs).logits[..., :2]
            torch.nn.functional.binary_cross_entropy_with_logits(logits, truth[..., :2]).backward()
            optimizer.step()
    network.save_pretrained(path, safe_serialization=True)
    processor.save_pretrained(path)
    return path
