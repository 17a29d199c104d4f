"""A user's own format: a Jinja2 template, run in a sandbox that reaches neither files nor Python.

The template is given `recording`, `run`, `speakers`, `segments` (each with its `words`) and `cues`, as mappings with
the tables' names; `seconds | clock` is `01:02:03`, `seconds | srt_time` is `01:02:03,456`. Names ending in .html,
.htm or .xml (before .j2 or .jinja) escape what they write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.canonical import apply_speaker_names
from tasks.errors import UsageError
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.text import to_ms
from tasks.intervals import format_clock, format_timestamp
from tasks.records import Transcript, as_dict

SUFFIXES = (".j2", ".jinja", ".jinja2")
MAX_SIZE = 1_000_000


def name_output(template: Path) -> str:
    """The name of the file that a template writes: its own without the suffix of templates.

    >>> name_output(Path("minutes.txt.j2")), name_output(Path("minutes.tmpl"))
    ('minutes.txt', 'minutes.tmpl.txt')
    """
    name = template.name
    return name.removesuffix(template.suffix) if template.suffix in SUFFIXES else f"{name}.txt"


def read_template(path: Path) -> str:
    """Read a template. Raises UsageError where that is impossible."""
    try:
        if path.stat().st_size > MAX_SIZE:
            raise UsageError(f"{path}: larger than 1 MB: no template.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}. Name a file with a Jinja2 template.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text. Name a file with a Jinja2 template.") from None


def write(transcript: Transcript, template: str, name: str, style: SubtitleStyle | None = None) -> str:
    """Write what `template` makes of a transcript. Raises UsageError with its `name` and the line that fails."""
    from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    escapes = name_output(Path(name)).endswith((".html", ".htm", ".xml"))
    environment = ImmutableSandboxedEnvironment(
        autoescape=escapes,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": format_clock, "srt_time": lambda s: format_timestamp(to_ms(s), ",")}
    try:
        return environment.from_string(template).render(build_context(transcript, style))
    except TemplateSyntaxError as error:
        raise UsageError(f"{name}, line {error.lineno}: {error.message}") from None
    except MemoryError:
        raise UsageError(f"{name}: makes more text than there is memory for.") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise UsageError(f"{name}{_find_line(error)}: {error}") from None


def _find_line(error: BaseException) -> str:
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def build_context(transcript: Transcript, style: SubtitleStyle | None = None) -> dict[str, Any]:
    """What a template is given: plain values alone."""
    style = style or style_of(transcript)
    named = apply_speaker_names(transcript)
    words: dict[int, list[dict[str, Any]]] = {}
    for word in named.words:
        words.setdefault(word.segment, []).append(as_dict(word))
    recording = {key: value for key, value in as_dict(named.recording).items() if key not in ("path", "parts")}
    return {
        "recording": recording,
        "run": as_dict(named.run),
        "speakers": [{k: v for k, v in as_dict(s).items() if k != "embedding"} for s in named.speakers],
        "segments": [as_dict(s) | {"words": words.get(s.index, [])} for s in named.segments],
        "cues": [
            {
                "start_s": cue.start_ms / 1000,
                "end_s": cue.end_ms / 1000,
                "speaker": cue.speaker,
                "lines": list(list_shown_lines(cue, style.profile)),
            }
            for cue in build_subtitles(transcript, style)
        ],
    }
