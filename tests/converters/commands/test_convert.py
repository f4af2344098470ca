"""`protoface convert`: what it prints and the status that it ends with."""

import pytest
from click import ClickException
from click.testing import CliRunner

from protoface.converters import ProtofaceError, read_net, write_weights
from protoface.converters.commands.convert import convert
from protoface.converters.commands.layers import layers


def run(*arguments):
    runner = CliRunner()
    return runner.invoke(convert, [str(a) for a in arguments], standalone_mode=False)


def test_convert_and_check(tmp_path, published):
    out = tmp_path / "net.onnx"
    result = run(*published(1), "--out", out, "--fold-bn", "--check")
    assert result.exception is None
    assert result.return_value == 0
    assert f"written: {out} ({out.stat().st_size:,} bytes)" in result.output
    assert "opencv" in result.output
    assert "onnxruntime" in result.output
    assert result.output.count("agrees") == 2


def test_a_difference_is_status_1(tmp_path, published, monkeypatch):
    monkeypatch.setattr("protoface.converters.check.TOLERANCE", 0)
    result = run(*published(1), "--out", tmp_path / "net.onnx", "--check")
    assert result.return_value == 1
    assert "onnxruntime 1" in result.output
    assert "DIFFERS, largest difference" in result.output


def test_warnings_go_to_the_errors(tmp_path, published):
    result = run(*published(1), "--out", tmp_path / "net.caffemodel.h5")
    assert "stock Caffe ignores them" in result.stderr
    assert "stock Caffe" not in result.stdout


def test_bad_input_is_a_protoface_error(tmp_path):
    result = run(tmp_path / "none.prototxt", tmp_path / "none.pt", "--out", tmp_path / "out.onnx")
    assert isinstance(result.exception, ProtofaceError)


FORK = """layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: 'roi' type: 'ROIPooling' bottom: 'x' top: 'r' roi_pooling_param { pooled_w: 7 } }"""


def test_a_forks_layer_is_listed_and_refused_by_name(tmp_path, published):
    net, weights = tmp_path / "fork.prototxt", published(1)[1]
    net.write_text(FORK)
    listed = CliRunner().invoke(layers, [str(net)], standalone_mode=False)
    assert listed.return_value == 1
    assert "unsupported: 1 x ROIPooling" in listed.output
    refused = run(net, weights, "--out", tmp_path / "out.onnx").exception
    assert isinstance(refused, ProtofaceError)
    assert str(refused).startswith(f"{net}: layer 'roi' has the type 'ROIPooling', which protoface")


PLAIN = """layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'y' pooling_param { kernel_size: 2 } }"""


@pytest.fixture
def plain(tmp_path):
    """A net without parameters, its .caffemodel and its ONNX."""
    names = [tmp_path / name for name in ("net.prototxt", "net.caffemodel", "net.onnx")]
    names[0].write_text(PLAIN)
    write_weights(names[1], read_net(names[0]))
    assert run(*names[:2], "--out", names[2], "--check").return_value == 0
    return names


def test_from_onnx_and_back(plain, tmp_path):
    out = tmp_path / "caffe" / "net.caffemodel"
    result = run(plain[2], "--out", out, "--check")
    assert result.return_value == 0
    for path in (out, out.with_suffix(".prototxt")):
        assert f"written: {path} ({path.stat().st_size:,} bytes)" in result.output


def test_a_net_without_parameters_is_listed(plain):
    arguments = [str(plain[0]), "--weights", str(plain[1])]
    listed = CliRunner().invoke(layers, arguments, standalone_mode=False)
    assert listed.return_value == 0
    assert "0 parameters" in listed.output


def test_a_missing_layer_of_the_weights_is_listed(plain, published):
    arguments = [str(published(1)[0]), "--weights", str(plain[1])]
    listed = CliRunner().invoke(layers, arguments, standalone_mode=False)
    assert listed.return_value == 1
    assert listed.output.count("weights: missing") > 50


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((0, 1, 2), "Missing option '--out'"),  # as it was called before
        ((2, 0, 1), "Missing option '--out'"),
        ((0, 1, 2, "--out", 2), "unexpected extra argument"),
        ((0, "--out", 2), "net.prototxt needs WEIGHTS"),
        ((2, 0, "--out", 1), "net.onnx holds its weights; the file to write is named by --out"),
        ((2, 1, "--out", 0), "net.onnx holds its weights"),
        ((0, 2, "--out", 1), "net.onnx: unknown suffix"),
        ((1, 0, "--out", 2), "net.caffemodel: "),
        ((0, 1, "--out", 0), "net.prototxt: unknown suffix"),
        ((0, 1, "--out", 1), "net.caffemodel: is read, so it cannot be written"),
        ((1, 2, "--out", 0), "net.prototxt: unknown suffix"),
        ((2, "--out", 0), "net.prototxt: unknown suffix"),
        ((2, "--out", 2), "net.onnx: from .onnx come weights and a net"),
        ((2, "--out", 1), "net.prototxt, which holds another one"),
        ((2, "--float16", "--out", 1), "--float16 is for OUT.onnx"),
    ],
)
def test_names_in_a_wrong_order_change_nothing(plain, names, message):
    plain[0].write_text(PLAIN + "  # mine")
    before = [path.read_bytes() for path in plain]
    found = run(*(plain[name] if isinstance(name, int) else name for name in names)).exception
    assert message in (found.format_message() if isinstance(found, ClickException) else str(found))
    assert [path.read_bytes() for path in plain] == before
    assert len(list(plain[0].parent.iterdir())) == 3


@pytest.mark.parametrize("arguments", [[], ["a.prototxt", "b.pt", "--out", "c.onnx", "--opset", "x"]])
def test_bad_arguments(arguments):
    assert isinstance(run(*arguments).exception, ClickException)
