"""`daylong subtitles`: check anybody's subtitles by a broadcaster's rules."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.exit_status import FAILED, open_terminal
from flows.cli.run import Debug
from flows.cli.subtitle_options import SubtitleValues, read_subtitle_options
from flows.cli.terminal import Terminal, escape
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.exports.cue_timing import Cue
    from tasks.exports.subtitles.rules import Broken

EXAMPLES = """Examples:

daylong subtitles check film.srt --profile netflix

daylong subtitles check film.vtt --profile bbc --set subtitles.frame_rate=25 --json
"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check subtitles by a broadcaster's rules.",
    epilog="Example:  daylong subtitles check film.srt --profile netflix",
)


@app.callback()
def subtitles() -> None:
    """Check subtitles by a broadcaster's rules."""


@app.command("check", epilog=EXAMPLES)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="SRT or WebVTT files, whoever made them.")],
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="The rules: plain, netflix, bbc or social.")
    ] = "netflix",
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="XX", help="Language of the text. [as its script and words tell]"),
    ] = None,
    values: SubtitleValues = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Tell which cues break which rule, a line each. Exit status 1 where any is broken."""
    with open_terminal(debug) as screen:
        from tasks.exports.subtitles.profile import SubtitleProfile
        from tasks.exports.subtitles.read import read_cues
        from tasks.exports.subtitles.rules import find_broken
        from tasks.exports.subtitles.syntax import guess_language
        from tasks.languages import parse_language

        style = read_subtitle_options(profile, None, values or (), {})
        rules: SubtitleProfile = style.profile  # type: ignore[union-attr]  # a profile is always named
        code = parse_language(language) if language else None
        if language and code is None:
            raise UsageError(
                f"--language {language}: no language that is known. Write a code or a name (de, German)."
            )
        results: list[dict[str, Any]] = []
        for path in files:
            cues = read_cues(path)
            spoken = code or guess_language(line for cue in cues for line in cue.lines)
            broken = find_broken(cues, rules, spoken)
            results.append(_describe(path, spoken, cues, broken))
            if not as_json:
                _print_broken(screen, path, profile, spoken, cues, broken)
        if as_json:
            report = {"profile": profile, "broken": sum(len(r["broken"]) for r in results), "files": results}
            screen.write_file(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
        if any(result["broken"] for result in results):
            raise typer.Exit(FAILED)


def _describe(path: Path, language: str | None, cues: list[Cue], broken: list[Broken]) -> dict[str, Any]:
    return {
        "file": str(path),
        "language": language,
        "cues": len(cues),
        "broken": [
            {
                "cue": one.cue + 1,
                "start_s": cues[one.cue].start_ms / 1000,
                "end_s": cues[one.cue].end_ms / 1000,
                "rule": one.rule,
                "message": one.message,
                "text": "\n".join(cues[one.cue].lines),
            }
            for one in broken
        ],
    }


def _print_broken(
    screen: Terminal, path: Path, profile: str, language: str | None, cues: list[Cue], broken: list[Broken]
) -> None:
    from tasks.exports.subtitles.rules import RULES
    from tasks.intervals import format_timestamp
    from tasks.languages import format_language

    for one in broken:
        time = format_timestamp(cues[one.cue].start_ms, ",")
        text = " / ".join(cues[one.cue].lines)
        shown = text if len(text) <= 40 else f"{text[:39]}…"
        screen.say(escape(f"{path}: cue {one.cue + 1} ({time}): {one.rule}: {one.message}: {shown}"))
    spoken = format_language(language) if language else "language unknown"
    bad = len({one.cue for one in broken})
    counts = Counter(one.rule for one in broken)
    kinds = "; ".join(f"{count} × {RULES[rule]}" for rule, count in counts.most_common())
    verdict = (
        f"{bad} of {len(cues)} cues break a rule of {profile}: {kinds}"
        if broken
        else f"all {len(cues)} cues keep the rules"
    )
    screen.say(escape(f"{path}: {profile}, {spoken}: {verdict}."))
