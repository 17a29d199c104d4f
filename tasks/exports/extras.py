"""Formats that are written by a package of the extra `subtitles`."""

from __future__ import annotations

import importlib.util

from tasks.errors import UsageError

PACKAGES = {"ass": "pysubs2", "ttml": "ttconv", "docx": "docx"}
"""Format -> the module that writes it."""


def require_package(form: str) -> None:
    """Raise UsageError where the package that writes a format is not installed."""
    package = PACKAGES.get(form)
    if package is not None and importlib.util.find_spec(package) is None:
        raise UsageError(f"the export {form} needs a package: pip install 'daylong[subtitles]'")
