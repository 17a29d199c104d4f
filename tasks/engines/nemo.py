"""Import and run NeMo without its log messages."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silence_nemo() -> Iterator[None]:
    """Suppress NeMo's warnings and log messages below errors, which are mostly about settings of training.

    Exceptions are raised as always.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Warns that telemetry is off, which is intended.
        logging.getLogger("nv_one_logger").setLevel(logging.CRITICAL)
        from nemo.utils import logging as nemo_logging

        before = nemo_logging.get_verbosity()
        nemo_logging.set_verbosity(logging.ERROR)
        try:
            yield
        finally:
            nemo_logging.set_verbosity(before)
