"""Broken and odd files of every kind, made here, and what becomes of each: `python -m tests.corpus`."""

from __future__ import annotations

from tests.corpus import containers, headers, joined, places, samples
from tests.corpus.kinds import KINDS, CannotBeMade, Kind

__all__ = ["KINDS", "CannotBeMade", "Kind", "containers", "headers", "joined", "places", "samples"]
