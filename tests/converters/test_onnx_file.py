"""ONNX files by their names."""

from pathlib import Path

import pytest

from protoface.converters.onnx_file import OnnxFile, is_onnx


@pytest.mark.parametrize(
    ("name", "found"), [("a.onnx", True), ("A.ONNX", True), ("a.onnx.h5", False), ("onnx", False)]
)
def test_a_file_is_onnx_by_its_suffix(name, found):
    assert is_onnx(name) == is_onnx(Path("folder.onnx", name)) == found


def test_equal_contents_are_equal_files():
    assert OnnxFile("a.onnx", b"content") == OnnxFile("a.onnx", b"content")
    assert OnnxFile("a.onnx", b"content") != OnnxFile("a.onnx", b"other")
