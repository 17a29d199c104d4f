"""Turn an error of the flow into the status, the message and the field that the server answers."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from tasks.errors import DaylongError, MachineFault, MissingWeights, PermanentError, UnreadableAudio, UsageError

FIELDS = {
    "transcription.language": "language",
    "transcription.languages": "languages",
    "transcription.initial_prompt": "prompt",
    "transcription.hotwords": "keywords",
    "diarization.min_speakers": "min_speakers",
    "audio.recorded_at": "recorded_at",
    "profile": "model",
    "transcription.model": "model",
    "path": "path",
}
"""Settings -> the field of the form that sets them."""


def describe_error(error: Exception, source: Path) -> dict[str, Any]:
    """Describe an error as `ApiError` takes it; the folder of `source` is left out of the message.

    Unexpected errors go to stderr with their traceback, and are answered without it.
    """
    if isinstance(error, DaylongError):
        message = hide_folder("; ".join(str(error).splitlines()), source)
        return {"status": find_status(error), "message": message, "param": find_field(error, message)}
    from flows.fault import describe_machine_fault

    traceback.print_exception(error, file=sys.stderr)
    if (reason := describe_machine_fault(error)) is not None:
        return {"status": 503, "message": hide_folder(reason, source), "param": None}
    return {
        "status": 500,
        "message": f"{source.name}: failed unexpectedly ({type(error).__name__}); the server's log says more.",
        "param": None,
    }


def find_status(error: DaylongError) -> int:
    """The HTTP status of an error: 400 where the request or its file is at fault, 503 where this machine is."""
    if isinstance(error, (MissingWeights, MachineFault)):
        return 503
    return 400 if isinstance(error, (UsageError, PermanentError)) else 503


def find_field(error: DaylongError, message: str) -> str | None:
    """The form's field that an error concerns; None where none does.

    >>> find_field(UsageError(), 'transcription.language = "xx": no language that Whisper knows')
    'language'
    """
    if isinstance(error, UnreadableAudio):
        return "file"
    if isinstance(error, UsageError):
        return next((field for setting, field in FIELDS.items() if message.startswith(f"{setting} ")), None)
    return None


def hide_folder(message: str, source: Path) -> str:
    """Leave the folder of a file out of a message: callers know the file's name alone.

    >>> hide_folder("/srv/uploads/ab/talk.mp3: no audio in it.", Path("/srv/uploads/ab/talk.mp3"))
    'talk.mp3: no audio in it.'
    """
    folder = str(source.parent)
    return message.replace(folder + "/", "") if len(folder) > 1 else message
