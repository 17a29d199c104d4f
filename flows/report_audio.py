"""Where a recording's sound is, for its report to play: told again once the recording lies where it stays."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from pathlib import Path

from flows.aside import written
from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.read import read_transcript
from tasks.errors import UsageError
from tasks.exports import EXPORTS, render
from tasks.exports.report.links import EMBEDDED_PREFIX
from tasks.paths import suggest_path
from tasks.records import Transcript

log = logging.getLogger(__name__)


def found_at(transcript: Transcript, audio: Path) -> Transcript:
    """The transcript of a recording whose one file is `audio`, or whose files lie in that folder.

    Raises UsageError where they don't.
    """
    recording = transcript.recording
    if audio.is_dir():
        paths = [audio / part.name for part in recording.parts]
    elif len(recording.parts) == 1:
        paths = [audio]
    else:
        raise UsageError(f"--audio {audio}: the recording has {len(recording.parts)} files; name their folder.")
    for path in paths:
        if not path.is_file():
            raise UsageError(f"--audio {path}: no such file. {suggest_path(path)}")
    parts = tuple(replace(p, path=str(path.absolute())) for p, path in zip(recording.parts, paths, strict=True))
    return replace(transcript, recording=replace(recording, parts=parts))


def carried(transcript: Transcript) -> Transcript:
    """The transcript with the sound itself, small, for its report to carry. Raises as decoding does."""
    from tasks.audio.opus import encode_recording

    recording = transcript.recording
    parts = tuple(
        replace(p, path=EMBEDDED_PREFIX + base64.b64encode(encode_recording(Path(p.path))).decode("ascii"))
        for p in recording.parts
    )
    return replace(transcript, recording=replace(recording, parts=parts))


def tell_report(out: Path, recording_id: str, place: Path) -> None:
    """Write the report under `out` again for a recording that has been filed at `place`.

    Nothing depends on it: where it can't be done, the log says so, and the report asks for the file.
    """
    name = EXPORTS["report"].file_name
    folder = out / EXPORTS_FOLDER / recording_id
    try:
        transcript = found_at(read_transcript(out, recording_id), place)
        written(folder / name, render(transcript, ["report"], folder=folder)[name])
    except Exception as error:
        log.warning("%s: its report does not know where the recording lies now (%s)", recording_id, error)
