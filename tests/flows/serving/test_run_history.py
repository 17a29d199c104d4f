"""Pruning of Prefect's record of a folder that is scanned every minute."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Running

from flows.serving.run_history import delete_old_scans

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_old_scans_are_deleted_and_everything_else_stays() -> None:
    with get_client(sync_client=True) as client:

        def create(name: str, state: Any) -> UUID:
            return UUID(str(client.create_flow_run(flow(name=name)(lambda: None), state=state).id))

        scans = [create("ingest-inbox", state) for state in (Completed(), Cancelled())]
        others = [
            create("ingest-inbox", Running()),
            create("process-recording", Completed()),
            create("theirs", Completed()),
        ]
        assert delete_old_scans(client, 3_600.0) == 0
        assert delete_old_scans(client, 0.0) >= 2
        for scan in scans:
            with pytest.raises(ObjectNotFound):
                client.read_flow_run(scan)
        for other in others:
            client.read_flow_run(other)
            client.delete_flow_run(other)
