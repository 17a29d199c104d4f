"""What the OpenAPI page says of bodies that are not described by types."""

from __future__ import annotations

from typing import Any

from flows.http.form import FORMATS, GRANULARITIES, SPEAKERS

_FIELDS: dict[str, Any] = {
    "file": {"type": "string", "format": "binary", "description": "A recording: what FFmpeg decodes."},
    "model": {
        "type": "string",
        "default": "whisper-1",
        "description": "whisper-1 and OpenAI's other names: as the server's settings say. Or one of GET /v1/models.",
    },
    "language": {"type": "string", "description": "Code of the spoken language (ISO 639-1)."},
    "languages[]": {"type": "array", "items": {"type": "string"}, "description": "Languages that may be spoken."},
    "keywords[]": {"type": "array", "items": {"type": "string"}, "description": "Words to listen for."},
    "prompt": {"type": "string", "description": "Text that sets style and spelling."},
    "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
    "timestamp_granularities[]": {"type": "array", "items": {"type": "string", "enum": list(GRANULARITIES)}},
    "include[]": {"type": "array", "items": {"type": "string", "enum": ["logprobs"]}},
    "temperature": {"type": "number", "minimum": 0, "maximum": 1, "description": "Checked, without effect."},
    "chunking_strategy": {"type": "string", "description": "auto, or a JSON object. Checked, without effect."},
    "stream": {"type": "boolean", "default": False, "description": "Answer with server-sent events."},
    **{name: {"type": "integer", "minimum": 1, "maximum": 100} for name in SPEAKERS},
    "recorded_at": {"type": "string", "description": "When the recording starts: 2026-03-01T09:15:00."},
    "known_speaker_names[]": {"type": "array", "items": {"type": "string"}},
    "known_speaker_references[]": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Data URLs, of the names in the same order: three seconds or more of each one's speech.",
    },
}
_JOB_FIELDS: dict[str, Any] = {
    "path": {
        "type": "string",
        "description": "In place of a file: a recording below serve.roots, or s3://bucket/key.",
    },
    "into_english": {"type": "boolean", "default": False, "description": "As POST /v1/audio/translations has it."},
    "webhook_url": {"type": "string", "description": "Where the end of the job is told."},
}

TRANSCRIPTION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": _FIELDS, "required": ["file", "model"]}
            }
        },
    }
}
JOB_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {**_FIELDS, **_JOB_FIELDS}}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {k: v for k, v in {**_FIELDS, **_JOB_FIELDS}.items() if k != "file"},
                    "required": ["path"],
                }
            },
        },
    }
}
RESULT_QUERY: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": _FIELDS[name]}
        for name in ("response_format", "timestamp_granularities[]", "include[]")
    ]
}
# Curl's -d: the same without a file.
_BODIES = JOB_BODY["requestBody"]["content"]
_BODIES["application/x-www-form-urlencoded"] = _BODIES["application/json"]
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": _ERROR}}}
    for status, text in {
        400: "Wrong in itself",
        401: "No key, or an unknown one",
        403: "Not allowed",
        404: "Not there",
        409: "Not finished, or cancelled",
        410: "Replaced by a later run",
        413: "Too large",
        422: "Not valid",
        429: "The queue is full",
        503: "This machine can't now",
    }.items()
}
TRANSCRIPTION_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The transcript",
        "content": {
            "application/json": {},
            "text/plain": {},
            "text/vtt": {},
            "application/x-subrip": {},
            "text/event-stream": {},
        },
    }
}
