"""The process that runs the flow for the server, and alone imports Prefect, tables and what else is heavy.

It reads requests from stdin, one JSON object a line, and answers on its first stdout; what libraries print goes to
stderr. It ends with the server, whose end closes stdin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from flows.http.worker_errors import describe_error
from tasks.engines.child import forbid_new_children
from tasks.process_tree import find_descendants, is_running, terminate

Progress = Callable[[dict[str, Any]], None]


def main() -> None:
    """Answer requests, each in a thread of its own, until stdin is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever serves decides
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    sending = threading.Lock()
    for line in sys.stdin:
        request = json.loads(line)
        threading.Thread(target=_answer, args=(request, answers, sending), daemon=True).start()
    _end()


def _answer(request: dict[str, Any], answers: TextIO, sending: threading.Lock) -> None:
    from flows.http import work

    def send(**answer: Any) -> None:
        text = json.dumps({"id": request["id"], **answer}, ensure_ascii=True)
        try:
            with sending:
                answers.write(text + "\n")
        except OSError:  # the server has gone
            _end()

    try:
        operation = work.OPERATIONS[request["operation"]]
        send(done=operation(lambda state: send(progress=state), **request["arguments"]))
    except Exception as error:  # whatever it is, the server tells it
        send(error=describe_error(error, Path(request["arguments"].get("source") or "/")))


def _end() -> None:
    """End at once, with the engines' process: threads that compute can't be stopped otherwise."""
    forbid_new_children()
    for _ in range(3):
        terminate([pid for pid in find_descendants() if is_running(pid)])
    os._exit(0)


if __name__ == "__main__":
    main()
