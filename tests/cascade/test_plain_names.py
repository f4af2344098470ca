"""Names for libraries: a file whose name is not UTF-8 has another one for a while."""

import os
import tempfile
from pathlib import Path

import pytest

from protoface.cascade import ProtofaceError
from protoface.cascade.plain_names import plain_name

ODD = os.fsdecode(b"caf\xe9.avi")


def test_a_name_in_any_language_stays_and_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with plain_name("Gesicht \u00e4\u4eba.mp4") as name:
        assert name == str(tmp_path / "Gesicht \u00e4\u4eba.mp4")


def test_a_name_that_is_not_utf_8_gets_a_link(tmp_path):
    (tmp_path / ODD).write_bytes(b"old")
    with plain_name(tmp_path / ODD) as name:
        name.encode("utf-8")
        assert name.endswith(".avi")
        assert Path(name).read_bytes() == b"old"
        Path(name).write_bytes(b"new")
    assert not Path(name).exists()
    assert (tmp_path / ODD).read_bytes() == b"new"


def test_a_temporary_folder_that_is_not_utf_8_either(tmp_path, monkeypatch):
    (tmp_path / ODD).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ODD))
    with pytest.raises(ProtofaceError, match="is UTF-8; rename it"), plain_name(tmp_path / ODD):
        pass
