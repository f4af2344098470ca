"""Adding to files: all of it or nothing, also where a disk fills up."""

from __future__ import annotations

from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.converters.appending import append

from ..full_disk import limited


def test_what_is_added_stands_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in (b"one\n", b"", b"two\n"):
        append(path, text)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    append(path, b"kept\n")
    with limited(1000), pytest.raises(ProtofaceError, match=r"log: cannot be written: File too large"):
        append(path, b"x" * 2000)
    assert path.read_bytes() == b"kept\n"
    append(path, b"more\n")
    assert path.read_bytes() == b"kept\nmore\n"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProtofaceError, match="nowhere/log: cannot be written: No such file"):
        append(tmp_path / "nowhere" / "log", b"x")
