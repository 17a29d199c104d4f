"""Engines without their package, their weights or their device: one line, exit status 2, and nothing done."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from unittest.mock import patch

from typer.testing import CliRunner

from tasks.engines import registry
from tasks.engines.spec import EngineSpec, Step
from tests.operators.case import Case

DEVICE = "device = cuda:99: "
SETTINGS: dict[Step, str] = {
    "transcription": "transcription.engine",
    "diarization": "diarization.engine",
    "alignment": "transcription.aligner",
}
WITHOUT_WEIGHTS = {"clustering"}
TOLD = {"faster-whisper": "transcription.model=medium"}
"""Where profile light is offered in a line of its own for the default: another model."""
ALIGNED = (
    "--set", "transcription.engine=openai", "--set", "transcription.base_url=http://127.0.0.1:9/v1",
    "--set", "diarization.engine=off",
)  # fmt: skip
"""What an aligner is of use to."""


def run(*arguments: str, hidden: Sequence[str] = (), system: str = sys.platform) -> Callable[[Path], str]:
    """`daylong run` with the demo's other weights, offline and with nothing fetched, without the `hidden` modules."""

    def act(folder: Path) -> str:
        from flows.cli.main import app

        (folder / "a.wav").write_bytes(b"RIFF")
        away = {"DAYLONG_HOME": str(folder), "HF_HOME": str(folder / "hub"), "HF_HUB_CACHE": str(folder / "hub")}
        # A server that the calling program has named, here or in Prefect's context, would be asked first.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        given = ["run", str(folder / "a.wav"), "--profile", "demo", *arguments]
        with (
            patch.dict(os.environ, kept | away, clear=True),
            patch("huggingface_hub.constants.HF_HUB_OFFLINE", True),
            patch("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub")),
            patch.dict(sys.modules, dict.fromkeys(hidden)),
            patch.object(sys, "platform", system),
            catch_output() as read,
        ):
            status = Context().run(CliRunner().invoke, app, given).exit_code
            lines = read().splitlines()
        done = sorted(p.name for p in folder.iterdir() if p.name != "a.wav")
        return f"exit {status}, {len(lines)} line, made {done}: {' / '.join(lines)}"

    return act


@contextmanager
def catch_output() -> Iterator[Callable[[], str]]:
    """Catch what is written to descriptors 1 and 2, which the command keeps for itself."""
    with tempfile.TemporaryFile("w+b") as file:
        kept = [os.dup(fd) for fd in (1, 2)]

        def read() -> str:
            file.seek(0)
            return file.read().decode()

        try:
            for fd in (1, 2):
                os.dup2(file.fileno(), fd)
            yield read
        finally:
            for fd, one in zip((1, 2), kept, strict=True):
                os.dup2(one, fd)
                os.close(one)


def refused(what: str) -> str:
    return f"exit 2, 1 line, made []: {what}"


def list_cases(step: Step, spec: EngineSpec) -> Iterator[Case]:
    setting = SETTINGS[step]
    chosen = [*(ALIGNED if step == "alignment" else ()), "--set", f"{setting}={spec.name}"]
    told = f"{setting} = {spec.name}: "
    system = spec.platforms[0] if spec.platforms else sys.platform
    if spec.platforms:
        absent = refused(f"{told}runs on {system} only")
        yield Case(spec.name, "on another system", absent, run(*chosen, system="beos"), slow=True)
    if spec.packages:
        absent = refused(f"{told}its package {', '.join(spec.packages)} is not installed. Install it with: ")
        act = run(*chosen, hidden=spec.packages, system=system)
        yield Case(spec.name, "without its package", absent, act, slow=True)
    if spec.capabilities.remote:
        alone = refused(f"{told}it sends the recording's sound to api.openai.com")
        yield Case(spec.name, "without permission", alone, run(*chosen), slow=True)
    elif spec.name not in WITHOUT_WEIGHTS and spec.find_obstacle() is None:
        weights = spec.weights[0]
        nothing = refused(f"{weights.kind} model /no/such: there is no such file or folder")
        act = run(*chosen, "--set", f"{weights.setting}=/no/such")
        yield Case(spec.name, "with a path to no weights", nothing, act, slow=True)
        has_default = bool(weights.defaults) or step == "diarization"
        missing = refused(f"{weights.kind} model " if has_default else f"{weights.setting} = auto: ")
        model = TOLD.get(spec.name, f"{weights.setting}=auto")
        act = run(*chosen, *([] if step == "diarization" else ["--set", model]))
        yield Case(spec.name, "without its weights", missing, act, slow=True)
    yield Case(spec.name, "without its device", refused(DEVICE), run(*chosen, "--set", "device=cuda:99"), slow=True)


CASES = tuple(
    case
    for step in SETTINGS
    for name in registry.BUILT_IN[step]
    for case in list_cases(step, registry.find(step, name))
)
