"""A decoder that does what real ones do with files made for it: it crashes, or never ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tasks.audio.isolated_open import Opener


class CrashingOpener(Opener):
    """By the file's name."""

    def find_missing(self, path: str) -> str | None:
        """What the real one says, of other files."""
        if Path(path).name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if Path(path).name.startswith("hang"):
            time.sleep(600)
        return super().find_missing(path)
