"""Clustering of a chunk's windows: speakers of few words beside others of many, and what the segmentation adds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diarization.tracks import Tracks
from tasks.diarization.window_clusters import cluster_windows, measure_alike, split_by_tracks
from tests.diarization.test_tracks import found

DIMENSIONS = 64


def embeddings(tracks: Tracks, voices: np.ndarray) -> np.ndarray:
    rows = voices[tracks.owners] + np.random.default_rng(0).normal(0, 0.05, (len(tracks.owners), voices.shape[1]))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_label_is_parted_where_segmentation_and_embeddings_agree_that_it_is_two_people() -> None:
    tracks = found()
    one_label = np.zeros(len(tracks.owners), np.int64)
    unlike = embeddings(tracks, np.eye(2, 16))
    assert (split_by_tracks(one_label, unlike, tracks) == (tracks.owners != tracks.owners[0])).all()
    alike = embeddings(tracks, np.ones((2, 16)))
    assert split_by_tracks(one_label, alike, tracks).tolist() == one_label.tolist()


def speak(
    seconds: list[float], seed: int = 0, spread: float = 0.95, mood: float = 0.0
) -> tuple[np.ndarray, Tracks, np.ndarray]:
    """Windows of speakers who speak one after the other, in tracks of 6 s: embeddings, tracks, the true speakers.

    Two windows of a speaker have a cosine similarity of about 0.5, two of different ones of about 0, as by CAM++.
    `mood`: by how much a voice differs from track to track.
    """
    rng = np.random.default_rng(seed)
    voices = np.linalg.qr(rng.normal(size=(DIMENSIONS, DIMENSIONS)))[0][: len(seconds)]
    rows, owners, true = [], [], []
    time, track = 0.0, 0
    for speaker, length in enumerate(seconds):
        for start in np.arange(0.0, length - 1.0, 0.75):
            rows.append((time + start, time + start + 1.5))
            owners.append(track + int(start // 6))
            true.append(speaker)
        time, track = time + length + 1.0, owners[-1] + 1
    noise = rng.normal(0, spread / DIMENSIONS**0.5, (len(rows), DIMENSIONS))
    moods = rng.normal(0, mood / DIMENSIONS**0.5, (track, DIMENSIONS))
    embeddings = voices[true] + noise + moods[owners]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    windows = np.array(rows)
    spans = np.array([(windows[owners == k][0, 0], windows[owners == k][-1, 1], k) for k in np.unique(owners)])
    return (
        embeddings.astype(np.float16),
        Tracks(spans, windows, np.array(owners), np.zeros((0, 2), int)),
        np.array(true),
    )


def test_somebody_of_ten_seconds_is_found_beside_others_of_minutes() -> None:
    embeddings, tracks, true = speak([90.0, 120.0, 60.0, 10.0, 100.0, 11.0])
    assert cluster_windows(embeddings, tracks, 12).tolist() == true.tolist()


def test_one_speaker_is_one() -> None:
    for seconds in (3.0, 8.0, 30.0, 300.0):
        embeddings, tracks, true = speak([seconds])
        assert cluster_windows(embeddings, tracks, 12).tolist() == true.tolist()
    assert cluster_windows(embeddings[:0], Tracks(*(a[:0] for a in vars(tracks).values())), 12).tolist() == []


def test_one_speaker_whose_sentences_differ_is_one() -> None:
    """Windows of one sentence are more alike (0.57) than those of two (0.42): that tells nothing of two people."""
    for seed in range(5):
        embeddings, tracks, true = speak([60.0, 45.0, 30.0], seed, spread=1.02, mood=0.6)
        one = tracks.owners[true == 0]
        alike = embeddings[true == 0].astype(float) @ embeddings[true == 0].astype(float).T
        assert alike[one[:, None] != one].mean() < 0.8 * measure_alike(embeddings.astype(float), tracks, true).mean()
        assert cluster_windows(embeddings, tracks, 12).tolist() == true.tolist()


def test_a_single_window_unlike_all_is_no_speaker() -> None:
    embeddings, tracks, _ = speak([60.0, 60.0])
    embeddings[30] = np.eye(DIMENSIONS)[-1]
    assert len(np.unique(cluster_windows(embeddings, tracks, 12))) == 2


@given(st.lists(st.floats(1.1, 40.0), min_size=1, max_size=9), st.integers(0, 99))
def test_labels_are_numbered_by_first_appearance(seconds: list[float], seed: int) -> None:
    embeddings, tracks, _ = speak(seconds, seed)
    labels = cluster_windows(embeddings, tracks, 12)
    first = [labels.tolist().index(k) for k in range(labels.max() + 1)]
    assert first == sorted(first)


def test_likeness_is_measured_within_tracks_without_common_sound() -> None:
    embeddings, tracks, _ = speak([90.0, 120.0])
    alike = measure_alike(embeddings.astype(float), tracks, np.zeros(len(embeddings), int))
    assert alike.mean() == pytest.approx(0.53, abs=0.03)
    assert len(alike) < 8 * len(embeddings)
