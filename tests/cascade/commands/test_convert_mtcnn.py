"""The verb `convert-mtcnn`: folders and single files, one line for what is wrong."""

import os

import pytest

from protoface.cli import protoface, run

from ..mtcnn.random_weights import write_three


@pytest.fixture
def det(tmp_path):
    return write_three(tmp_path / "det")


def test_a_folder_becomes_a_model_and_comes_back(det, tmp_path, capsys):
    assert run(protoface, ["convert-mtcnn", str(det), "--out", str(tmp_path / "model")]) == 0
    out = capsys.readouterr().out
    assert out.count("written: ") == 7
    assert (
        f"cascade.prototxt ({(tmp_path / 'model' / 'cascade.prototxt').stat().st_size:,} bytes)" in out
    )
    arguments = [str(tmp_path / "model"), "--out", str(tmp_path / "back"), "--to", "caffe"]
    assert run(protoface, ["convert-mtcnn", *arguments]) == 0
    assert sorted(os.listdir(tmp_path / "back")) == sorted(os.listdir(det))


def test_a_file_becomes_a_file(det, tmp_path, capsys):
    source, out = det / "det1.caffemodel", tmp_path / "pnet.onnx"
    assert run(protoface, ["convert-mtcnn", str(source), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"written: {out} ({out.stat().st_size:,} bytes)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "x"], "nowhere: unknown suffix"),
        (["nowhere.pt", "--out", "x.pt"], "nowhere.pt: No such file"),
        ([".", "--out", "x"], ".: has not all three files of MTCNN's weights"),
        (["det/det1.caffemodel", "--out", "x.tflite"], "x.tflite: unknown suffix"),
        (["det/det1.caffemodel", "--out", "det/det1.caffemodel"], "is read, so it cannot be written"),
        (["det", "--out", "x", "--to", "matlab"], "'matlab' is not one of 'protoface', 'caffe'"),
        (["det", "--out", "det/det1.caffemodel"], "det/det1.caffemodel: "),
    ],
)
def test_errors_are_one_line(arguments, message, det, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(protoface, ["convert-mtcnn", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err
    assert not (tmp_path / "x").exists()
