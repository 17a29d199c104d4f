"""Formats that are written by a package of the extra `subtitles`."""

from __future__ import annotations

import importlib.util

from tasks.errors import UsageError

PACKAGES = {"ass": "pysubs2", "ttml": "ttconv", "docx": "docx"}
"""Format -> the module that writes it."""


def require_package(form: str) -> None:
    """Raise UsageError where the package that writes a format is not installed."""
    if not is_available(form):
        raise UsageError(f"the export {form} needs a package: pip install 'daylong[subtitles]'")


def is_available(form: str) -> bool:
    """Whether the package that writes a format is installed, or none is needed."""
    package = PACKAGES.get(form)
    return package is None or importlib.util.find_spec(package) is not None
