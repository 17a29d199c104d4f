"""What runs in a process of its own: `python -m tests.benchmarks.day.child JOB`, JOB being JSON.

`{"do": "flow", "source": FILE, "out": FOLDER, "settings": {…}, "answer": FILE}`: the flow as `daylong run --profile
demo` calls it; `settings` may be absent.
`{"do": "nothing", "answer": FILE}`: an empty flow with the same settings of Prefect.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.day.hooks import Hooks
from tests.benchmarks.processes import peak_mb


def main() -> None:
    job = json.loads(sys.argv[1])
    wanted = job["do"] == "flow"
    answer = through_the_flow(job["source"], job["out"], job.get("settings", {})) if wanted else nothing()
    Path(job["answer"]).write_text(json.dumps(answer | {"peak_mb": peak_mb()}), encoding="utf-8")


def through_the_flow(source: str, out: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The flow's outcome, and what was heard of the run."""
    hooks = Hooks()
    hooks.install()
    from flows.process_recording import process_recording
    from flows.reporting.progress import subscribe

    with subscribe(hooks.listen):
        given = {"profile": "demo", "out": out, **settings}
        outcome: Any = process_recording(source, given)  # type: ignore[call-overload]
    return {"outcome": outcome, "heard": hooks.heard.json()}


def nothing() -> dict[str, Any]:
    """A flow that does nothing."""
    import flows  # noqa: F401  # Prefect's settings

    # isort: split
    from prefect import flow

    @flow(name="nothing", persist_result=False)
    def empty() -> int:
        return 0

    return {"outcome": empty()}


if __name__ == "__main__":
    main()
