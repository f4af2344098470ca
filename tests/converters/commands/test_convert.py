"""`protoface convert`: what it prints and the status that it ends with."""

import pytest
from click.testing import CliRunner

from protoface.converters import ProtofaceError
from protoface.converters.commands.convert import convert
from protoface.converters.commands.layers import layers


def run(*arguments):
    runner = CliRunner()
    return runner.invoke(convert, [str(a) for a in arguments], standalone_mode=False)


def test_convert_and_check(tmp_path, published):
    out = tmp_path / "net.onnx"
    result = run(*published(1), out, "--fold-bn", "--check")
    assert result.exception is None
    assert result.return_value == 0
    assert f"written: {out} ({out.stat().st_size:,} bytes)" in result.output
    assert "opencv" in result.output
    assert "onnxruntime" in result.output
    assert result.output.count("agrees") == 2


def test_a_difference_is_status_1(tmp_path, published, monkeypatch):
    monkeypatch.setattr("protoface.converters.check.TOLERANCE", 0)
    result = run(*published(1), tmp_path / "net.onnx", "--check")
    assert result.return_value == 1
    assert "onnxruntime 1" in result.output
    assert "DIFFERS, largest difference" in result.output


def test_warnings_go_to_the_errors(tmp_path, published):
    result = run(*published(1), tmp_path / "net.caffemodel.h5")
    assert "stock Caffe ignores them" in result.stderr
    assert "stock Caffe" not in result.stdout


def test_bad_input_is_a_protoface_error(tmp_path):
    result = run(tmp_path / "none.prototxt", tmp_path / "none.pt", tmp_path / "out.onnx")
    assert isinstance(result.exception, ProtofaceError)


FORK = """layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: 'roi' type: 'ROIPooling' bottom: 'x' top: 'r' roi_pooling_param { pooled_w: 7 } }"""


def test_a_forks_layer_is_listed_and_refused_by_name(tmp_path, published):
    net, weights = tmp_path / "fork.prototxt", published(1)[1]
    net.write_text(FORK)
    listed = CliRunner().invoke(layers, [str(net)], standalone_mode=False)
    assert listed.return_value == 1
    assert "unsupported: 1 x ROIPooling" in listed.output
    refused = run(net, weights, tmp_path / "out.onnx").exception
    assert isinstance(refused, ProtofaceError)
    assert str(refused).startswith(f"{net}: layer 'roi' has the type 'ROIPooling', which protoface")


@pytest.mark.parametrize("arguments", [[], ["a.prototxt", "b.pt", "c.onnx", "--opset", "x"]])
def test_bad_arguments(arguments):
    assert run(*arguments).exception is not None
