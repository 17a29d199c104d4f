"""NeMo without its chatter."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Import and restore within: NeMo tells pages about training settings that play no part here.

    What goes wrong is raised as an exception all the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It warns that no telemetry is sent, as it should be.
        logging.getLogger("nv_one_logger").setLevel(logging.CRITICAL)
        from nemo.utils import logging as nemo_logging

        before = nemo_logging.get_verbosity()
        nemo_logging.set_verbosity(logging.ERROR)
        try:
            yield
        finally:
            nemo_logging.set_verbosity(before)
