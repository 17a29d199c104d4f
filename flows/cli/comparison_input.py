"""What `daylong compare` is to compare: candidates with their settings, recordings with their references.

What can't run here is refused, before anything is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.processing import check_before_start
from flows.cli.run import parse_settings
from flows.cli.sources import find_recordings
from flows.serving.own_server import RunServer
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.comparison.candidates import Candidate
    from tasks.evaluation.references import Reference


def list_candidates(
    engines: str, base: dict[str, Any], assignments: list[str], server: RunServer
) -> list[tuple[Candidate, dict[str, Any]]]:
    """List the candidates with the settings of each. Raises UsageError, with a line for each that can't run here."""
    from tasks.comparison.candidates import parse_candidates
    from tasks.settings.load import load

    usual = load(base, assignments).transcription.engine
    listed, problems = [], []
    for candidate in parse_candidates(engines):
        try:
            own = parse_settings(base, [*assignments, *candidate.list_assignments(usual)])
            check_candidate(own, server)
            listed.append((candidate, own))
        except UsageError as error:
            problems.append(f"{candidate.label}: {' '.join(str(error).splitlines())}")
    if problems:
        raise UsageError("\n".join(problems))
    return listed


def find_named(names: Sequence[str]) -> list[str]:
    """Find the recordings that were named. Raises UsageError, with a line for each name that has none."""
    found, errors = find_recordings(names)
    if errors:
        raise UsageError("\n".join(map(str, errors)))
    return found


def join_to_files(files: Sequence[Path], uem: Path | None, recordings: Sequence[str]) -> dict[str, Reference]:
    """Join references with the recordings, by name; the only reference with the only recording whatever its name."""
    from tasks.evaluation.recording_names import RecordingName
    from tasks.evaluation.references import join_references, join_single, read_side_files

    if not files:
        if uem is not None:
            raise UsageError(f"--uem {uem}: regions of a reference; name it with --reference")
        return {}
    side = read_side_files(files, uem)
    if len(recordings) == 1:
        name = Path(recordings[0]).name
        return {recordings[0]: join_single(side, RecordingName(name, name), Path(name))}
    names = {Path(path).name: path for path in recordings}
    joined = join_references(side, [RecordingName(name, name) for name in names], Path("the command line"))
    return {names[name]: reference for name, reference in joined}


def check_candidate(settings: dict[str, Any], server: RunServer) -> None:
    """Refuse settings that can't run on this machine. Raises UsageError."""
    from flows.locations import resolve_device
    from tasks.settings.load import load
    from tasks.weights.requirements import format_fetch_command, list_required
    from tasks.weights.resolve import check_available

    check_before_start(settings, 1, server)
    loaded = load(settings)
    device = resolve_device(loaded)
    check_available(list_required(loaded, device), format_fetch_command(loaded, device))
