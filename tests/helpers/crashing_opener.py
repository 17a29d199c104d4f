"""An opener of audio files that crashes or hangs, as real decoders may on malicious files."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tasks.audio.isolated_open import Opener


class CrashingOpener(Opener):
    """Crashes on files called crash…, hangs on files called hang…, and is the real opener for all others."""

    def find_missing(self, path: str) -> str | None:
        if Path(path).name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if Path(path).name.startswith("hang"):
            time.sleep(600)
        return super().find_missing(path)
