"""Files that appear whole or not at all."""

import os
import stat

import pytest

from protoface.converters import ProtofaceError
from protoface.converters.files import read_bytes, refuse_inputs, replacing, write_text


def test_the_file_takes_the_old_ones_place(tmp_path):
    path = tmp_path / "deep" / "a.b.txt"
    for text in ("one", "zwei ü"):
        write_text(path, text)
        assert path.read_text("utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            assert (temporary.parent, temporary.suffix) == (tmp_path, ".onnx")
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_is_written(tmp_path):
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_reading(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00x")
    (tmp_path / "empty").touch()
    assert read_bytes(tmp_path / "a") == b"\x00x"
    for name, message in (("none", "No such file"), ("empty", "the file is empty"), (".", "directory")):
        with pytest.raises(ProtofaceError, match=message):
            read_bytes(tmp_path / name)


def test_a_file_that_is_read_is_not_written(tmp_path):
    """By another name, a symbolic and a hard link too; what is not there yet may be written."""
    read, other = tmp_path / "read", tmp_path / "other"
    read.write_text("x")
    other.write_text("x")
    (tmp_path / "symbolic").symlink_to(read)
    (tmp_path / "hard").hardlink_to(read)
    for name in ("read", "symbolic", "hard", f"../{tmp_path.name}/read"):
        with pytest.raises(ProtofaceError, match=f"{name}: is read, so it cannot be written"):
            refuse_inputs([other, tmp_path / name], [read])
    refuse_inputs([other, tmp_path / "new"], [read, tmp_path / "gone"])
