"""Options of subtitles, for the commands that make or check them: profile, mode and single values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.exports.subtitles.build import SubtitleStyle

SubtitleProfileName = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Rules of the subtitles: plain, netflix, bbc or social."),
]
SubtitleValues = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A value of the profile: subtitles.columns=32. May be repeated."),
]


def read_subtitle_options(
    profile: str | None, mode: str | None, assignments: Iterable[str], under: Mapping[str, Any]
) -> SubtitleStyle | None:
    """The style that options name; None where there are none. Raises UsageError for wrong ones.

    `under`: settings that hold where a profile is not named (`SubtitleSettings` as a mapping).
    """
    from tasks.exports.subtitles.build import read_style
    from tasks.settings.load import as_parameters, check, merged

    given = as_parameters({"subtitles": {"profile": profile, "mode": mode}}, assignments)
    others = sorted(set(given) - {"subtitles"})
    if others:
        raise UsageError(f"--set {others[0]}: here only subtitles.… can be set.")
    if not given:
        return None
    return read_style(check(merged({} if profile else {"subtitles": under}, given)).subtitles)
