"""The tree of errors. Every message is one or two lines: what, which file, what to do next.

DaylongError
├── UsageError            wrong command line or settings; nothing was started (exit status 2)
│   └── MissingWeights    a model is neither cached nor to be had (exit status 2)
├── PermanentError        the file is at fault: never retried (exit status 1)
│   └── UnreadableAudio   no audio in it, or not decodable
└── TransientError        the world is at fault: retried
    └── EngineDied        an engine's process ended or hung in the middle of a call
"""

from __future__ import annotations


class DaylongError(Exception):
    """Root of all errors that are meant to be read by people."""


class UsageError(DaylongError):
    """Wrong usage or settings, found before any work."""


class MissingWeights(UsageError):
    """Weights that a profile needs are neither cached nor reachable."""


class PermanentError(DaylongError):
    """Trying again would fail in the same way."""


class UnreadableAudio(PermanentError):
    """A file without audio, or with audio that cannot be decoded."""


class TransientError(DaylongError):
    """Trying again may succeed."""


class EngineDied(TransientError):
    """The process that held an engine ended, or did not answer in time."""
