"""A registry that can't be read: the machine is at fault, never the recording whose speakers are looked up in it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.errors import MachineFault
from tasks.voices import tables
from tasks.voices.records import VoiceRegistry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in tables.serialize_registry(VoiceRegistry()).items():
        (tmp_path / name).write_bytes(content)
    assert tables.read_registry(tmp_path) == VoiceRegistry()
    return tmp_path


@pytest.mark.parametrize("kept", [0, 100, -30])
def test_a_damaged_table_is_the_machines_fault(folder: Path, kept: int) -> None:
    path = folder / "hearings.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(MachineFault, match=r"hearings\.parquet: the voices can't be read .* speakers rebuild"):
        tables.read_registry(folder)


def test_a_table_that_is_gone_is_too(folder: Path) -> None:
    (folder / "apart.parquet").unlink()
    with pytest.raises(MachineFault, match=r"apart\.parquet: .* speakers rebuild"):
        tables.read_registry(folder)


def test_a_table_with_nonsense_inside_is_too(folder: Path) -> None:
    path = folder / "hearings.parquet"
    content = bytearray(path.read_bytes())
    content[4:-8] = bytes(len(content) - 12)
    path.write_bytes(bytes(content))
    with pytest.raises(MachineFault):
        tables.read_registry(folder)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_no_reason_to_make_it_anew(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(pq, "ParquetFile", refused)
    with pytest.raises(MachineFault, match=r"can't be read \(.*\)\. Is its disk there"):
        tables.read_registry(folder)
