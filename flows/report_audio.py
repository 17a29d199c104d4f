"""The recording's audio in its report: by path, rewritten once the recording has been filed, or embedded."""

from __future__ import annotations

import base64
import logging
import math
from dataclasses import replace
from pathlib import Path

from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.read import read_transcript
from tasks.errors import UsageError
from tasks.exports import EXPORTS, formats_of, render
from tasks.exports.report.links import EMBEDDED_PREFIX, read_sound_paths
from tasks.paths import suggest_path
from tasks.records import Transcript
from tasks.storage.atomic import write_atomically

log = logging.getLogger(__name__)


def set_audio_paths(transcript: Transcript, audio: Path) -> Transcript:
    """Set the paths of the recording's parts: `audio` is its one file, or the folder of its files.

    Raises UsageError where they don't exist.
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


def restore_part_paths(transcript: Transcript, folder: Path) -> Transcript:
    """Set the paths of the recording's parts from the published report, since the tables don't hold them."""
    try:
        paths = read_sound_paths((folder / EXPORTS["report"].file_name).read_text(encoding="utf-8"), folder)
    except (OSError, UnicodeDecodeError):
        paths = []
    recording = transcript.recording
    if len(paths) != len(recording.parts):
        return transcript
    parts = tuple(replace(part, path=path) for part, path in zip(recording.parts, paths, strict=True))
    return replace(transcript, recording=replace(recording, parts=parts))


def embed_audio_in_report(transcript: Transcript) -> Transcript:
    """Replace the parts' paths by data URLs of their audio as Opus, for the report: of the sound track and the mix of
    channels that were transcribed. Raises as decoding does."""
    from tasks.audio.decode import reference_audio
    from tasks.audio.opus import encode_recording
    from tasks.audio.survey import find_correction

    recording = transcript.recording
    number = (transcript.run.settings.get("audio") or {}).get("track")
    heard = [replace(part, track=_choose_track(Path(part.path), number)) for part in recording.parts]
    correction = find_correction(reference_audio(replace(recording, parts=tuple(heard))))
    parts = tuple(
        replace(part, path=EMBEDDED_PREFIX + base64.b64encode(encode_recording(own, correction)).decode("ascii"))
        for part, own in zip(
            recording.parts, ([replace(part, start_s=0.0, duration_s=math.inf)] for part in heard), strict=True
        )
    )
    return replace(transcript, recording=replace(recording, parts=parts))


def _choose_track(path: Path, number: int | None) -> int | None:
    """The sound track `number` of the file that is given for the recording; None, its default, where it has one."""
    from tasks.audio.source import list_tracks, open_source

    if number is None:
        return None
    with open_source(path) as source:
        return number if len(list_tracks(source)) > 1 else None


def rewrite_report(out: Path, recording_id: str, place: Path) -> None:
    """Write the report under `out` again for a recording that has been filed at `place`.

    A failure is logged, not raised: such a report asks for the file.
    """
    name = EXPORTS["report"].file_name
    folder = out / EXPORTS_FOLDER / recording_id
    try:
        transcript = read_transcript(out, recording_id)
        if "report" not in formats_of(transcript):
            return
        transcript = set_audio_paths(transcript, place)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, render(transcript, ["report"], folder=folder)[name], durable=False)
    except Exception as error:
        log.warning("%s: its report does not know where the recording lies now (%s)", recording_id, error)
