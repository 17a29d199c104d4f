"""Requests that Prefect's server refuses because its SQLite is locked.

Some change a row that they have read in the same transaction. Where another one has written in between, SQLite
refuses at once, whatever its limit for locks; the server answers 503, and Prefect's client waits for 2, 4, 8, … s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

T = TypeVar("T")

PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)


def ask_again_soon(ask: Callable[[], T]) -> T:
    """Call `ask`, which sends a request that may be sent twice, and after the `PAUSES_S` again while the server's
    database is locked; at last, and where there is no answer, as Prefect's client does. Raises what it raises."""
    import httpx
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    for pause_s in PAUSES_S:
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                return ask()
        except httpx.HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        except httpx.TransportError:
            break
        time.sleep(pause_s)
    return ask()
