"""The events of a streamed transcription (server-sent events), in the shapes that both kinds of readers want.

openai-python reads the JSON of `data:` lines alone; Subtitle Edit drops an event without an `event:` line, and looks
for a segment within `segment`, or for `segments` in the last event. So each event has both lines, a segment's its
fields at the top and once more under `segment`, and the last one all segments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.http.shapes import join_text, shape_logprob, shape_segments
from tasks.canonical import canonical
from tasks.joining import join_words
from tasks.records import Transcript

HEARTBEAT = ": working\n\n"
"""A comment, which readers skip: proxies and clients end connections on which nothing comes."""
END = "data: [DONE]\n\n"


def format_event(body: dict[str, Any]) -> str:
    r"""Format one event; its name is the body's `type`.

    >>> format_event({"type": "transcript.text.delta", "delta": "Hello"})
    'event: transcript.text.delta\ndata: {"type": "transcript.text.delta", "delta": "Hello"}\n\n'
    """
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace").decode()
    # Some readers split lines at these, too.
    data = data.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
    return f"event: {body['type']}\ndata: {data}\n\n"


def format_error(body: dict[str, Any]) -> str:
    """Format an error's event, on which openai-python raises APIError."""
    return f"event: error\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"


def format_delta(text: str, segment_id: str | None = None) -> str:
    """Format the event of a piece of text, which goes on where the one before ended."""
    named = {} if segment_id is None else {"segment_id": segment_id}
    return format_event({"type": "transcript.text.delta", "delta": text, **named})


def write_events(
    transcript: Transcript, *, diarized: bool, logprobs: bool = False, after_s: float | None = None
) -> Iterator[str]:
    """Yield the events of a finished transcript: each segment's text, with `diarized` its speaker, then the whole.

    The deltas' texts joined are the whole text. `after_s`: text of words that begin no later has been sent while the
    work went on; the rest comes at once, and the segments after it. No usage: of streams, the contract knows it in
    tokens alone.
    """
    transcript = canonical(transcript)
    text = join_text(transcript)
    segments = list(shape_segments(transcript))
    at = 0
    if after_s is not None and (rest := [w for w in transcript.words if w.start_s > after_s]):
        yield format_delta((" " if rest[0].space_before else "") + join_words(rest))
    for segment in segments:
        if not segment["text"]:
            continue
        end = text.index(segment["text"], at) + len(segment["text"])
        if after_s is None:
            yield format_delta(text[at:end], segment["id"])
        at = end
        if diarized:
            yield format_event({**segment, "segment": segment})
    done: dict[str, Any] = {"type": "transcript.text.done", "text": text, "segments": segments}
    if transcript.run.language:
        done["languages"] = [{"code": transcript.run.language}]
    if logprobs:
        done["logprobs"] = [shape_logprob(word) for word in transcript.words]
    yield format_event(done)
    yield END
