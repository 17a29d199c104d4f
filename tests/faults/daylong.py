"""The `daylong` command of this checkout: `python -m tests.faults.daylong run …`.

Each result of a step that is kept has a line in the file `KEPT` of `DAYLONG_HOME`, with the step's name: Prefect's
record of task runs doesn't tell what a chunk's task run did, and loses the last moments of a run that is killed.
"""

import os
from pathlib import Path
from typing import Any

from flows import environment

KEPT = "steps-kept.txt"


def note_kept_results() -> None:
    """Note each result of a step once its record is written."""
    from prefect.results import ResultStore

    write = ResultStore.persist_result_record

    def write_and_note(store: ResultStore, result_record: Any, holder: str | None = None) -> None:
        write(store, result_record, holder)
        step = Path(str(result_record.metadata.storage_key)).parent.parent.name
        with (Path(os.environ["DAYLONG_HOME"]) / KEPT).open("a") as file:
            file.write(f"{step}\n")

    ResultStore.persist_result_record = write_and_note  # type: ignore[method-assign]


if __name__ == "__main__":
    import_prefect = environment.import_prefect

    def import_and_note() -> None:
        """Prefect is imported when the command wants it, not before: some of its tests are about that moment."""
        import_prefect()
        note_kept_results()

    environment.import_prefect = import_and_note
    from flows.cli.main import main

    main()
