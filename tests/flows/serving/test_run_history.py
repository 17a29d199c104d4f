"""Prefect's record of a folder that is looked at every minute doesn't grow for ever."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Running

from flows.serving.run_history import forget_looks

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_old_looks_go_and_everything_else_stays() -> None:
    with get_client(sync_client=True) as client:

        def made(name: str, state: Any) -> UUID:
            return UUID(str(client.create_flow_run(flow(name=name)(lambda: None), state=state).id))

        looks = [made("ingest-inbox", state) for state in (Completed(), Cancelled())]
        others = [
            made("ingest-inbox", Running()),
            made("process-recording", Completed()),
            made("theirs", Completed()),
        ]
        assert forget_looks(client, 3_600.0) == 0
        assert forget_looks(client, 0.0) >= 2
        for look in looks:
            with pytest.raises(ObjectNotFound):
                client.read_flow_run(look)
        for other in others:
            client.read_flow_run(other)
            client.delete_flow_run(other)
