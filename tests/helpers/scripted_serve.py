"""The server of `daylong serve` as a process, with a worker that loads nothing and finishes what it is told to.

python -m tests.helpers.scripted_serve GATE     settings from the environment; work ends once the file GATE is there
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

TEXT = "The words of the recording."


def main() -> None:
    """Serve until a signal, and end with the status that it stands for."""
    from flows.http.serve import serve
    from tasks.settings.load import load

    command = (sys.executable, "-m", __spec__.name, *sys.argv[1:], "worker")  # type: ignore[name-defined]
    stopped = asyncio.run(serve(load({}).serve, lambda *_: print("ready", flush=True), command=command))
    sys.exit(128 + stopped)


def work(gate: Path) -> None:
    """Answer the operations of `flows.http.work`, one JSON object a line; a recording is what any file is."""
    for line in sys.stdin:
        threading.Thread(target=_answer, args=(json.loads(line), gate), daemon=True).start()


def _answer(request: dict[str, Any], gate: Path) -> None:
    operation, arguments = request["operation"], request["arguments"]
    done: dict[str, Any] = {"models": ["demo"], "duration_s": 60.0, "sha256": "s"}
    if operation == "run":
        while not gate.exists():
            time.sleep(0.02)
        done = {"duration_s": 60.0, "recording_id": "talk-1", "run_id": "r", "out": "/out", "status": "complete"}
    if operation == "render":
        done = {"replaced": False}
        Path(arguments["target"]).write_text(_write(arguments["shape_"]["format"]), encoding="utf-8")
    sys.stdout.write(json.dumps({"id": request["id"], "done": done}) + "\n")
    sys.stdout.flush()


def _write(format: str) -> str:
    from flows.http.events import END, format_event

    if format.startswith("events"):
        return format_event({"type": "transcript.text.done", "text": TEXT}) + END
    return json.dumps({"text": TEXT})


if __name__ == "__main__":
    if sys.argv[-1] == "worker":
        work(Path(sys.argv[1]))
    else:
        main()
