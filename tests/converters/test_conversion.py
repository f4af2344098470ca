"""Conversion by the suffix of the result, and what is left behind when it fails."""

import itertools

import numpy as np
import onnx
import pytest

from protoface.converters import (
    ProtofaceError,
    convert,
    convert_onnx,
    deployed,
    load_net,
    read_net,
    read_net_from_caffe,
    read_weights,
    write_weights,
)
from protoface.converters.check import check_converted
from protoface.converters.runtimes import run_pytorch
from protoface.converters.weights import arrays_of

NET = """
name: "small"
layer { name: 'data' type: 'ImageData' top: 'x' top: 'label' include { phase: TRAIN } }
layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 6, 6] } }
        include { phase: TEST } }
layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'c'
        convolution_param { num_output: 4 kernel_size: 3 bias_term: false } }
layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'c' }
layer { name: 'sc' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }
layer { name: 'ip' type: 'InnerProduct' bottom: 'c' top: 'y' inner_product_param { num_output: 2 } }
layer { name: 'loss' type: 'EuclideanLoss' bottom: 'y' bottom: 'label' top: 'loss'
        include { phase: TRAIN } }
"""
WEIGHTS = [".caffemodel", ".caffemodel.h5", ".h5", ".pt"]


@pytest.fixture
def files(tmp_path, net_of, filled):
    """A net's text, its weights, and an empty folder for what comes out."""
    (tmp_path / "net.prototxt").write_text(NET)
    write_weights(tmp_path / "net.caffemodel", filled(deployed(net_of(NET))))
    (tmp_path / "out").mkdir()
    return tmp_path / "net.prototxt", tmp_path / "net.caffemodel", tmp_path / "out"


def output(net):
    feed = {"x": np.random.default_rng(0).normal(size=(2, 3, 6, 6))}
    return run_pytorch(net, np.float64)(feed)["y"]


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_weights_come_out_bit_for_bit(files, suffix):
    prototxt, weights, folder = files
    out = folder / f"net{suffix}"
    converted = convert(prototxt, weights, out)
    assert converted.written == (out,)
    assert [layer.name for layer in converted.net.layer] == ["x", "conv", "bn", "sc", "ip"]
    source, result = (arrays_of(read_weights(path), "n") for path in (weights, out))
    assert {k: v.tobytes() for k, v in source.items()} == {k: v.tobytes() for k, v in result.items()}


@pytest.mark.parametrize("first", WEIGHTS)
def test_from_every_format_to_onnx(files, first):
    prototxt, weights, folder = files
    convert(prototxt, weights, folder / f"a{first}")
    convert(prototxt, folder / f"a{first}", folder / "a.onnx")
    convert(prototxt, weights, folder / "b.onnx", opset=15)
    a, b = onnx.load(folder / "a.onnx"), onnx.load(folder / "b.onnx")
    assert a.graph == b.graph
    assert (a.opset_import[0].version, b.opset_import[0].version) == (17, 15)
    assert a.graph.name == "small"


@pytest.mark.parametrize("suffix", WEIGHTS)
@pytest.mark.parametrize("name", ["folded", "a.b"])
def test_fold_bn_writes_the_net_that_the_weights_fit(files, suffix, name):
    prototxt, weights, folder = files
    out = folder / f"{name}{suffix}"
    converted = convert(prototxt, weights, out, fold_bn=True)
    beside = folder / f"{name}.prototxt"
    assert converted.written == (out, beside)
    assert set(folder.iterdir()) == {out, beside}
    loaded = load_net(beside, out)
    assert [layer.name for layer in loaded.layer] == ["x", "conv", "ip"]
    assert not any(layer.blobs for layer in read_net(beside).layer)
    np.testing.assert_allclose(
        output(loaded), output(load_net(prototxt, weights)), rtol=1e-4, atol=1e-4
    )
    with pytest.raises(ProtofaceError, match="layer 'conv' has 2 blobs, the net needs 1"):
        load_net(prototxt, out)


def test_fold_bn_in_onnx_needs_no_text(files):
    prototxt, weights, folder = files
    assert convert(prototxt, weights, folder / "n.onnx", fold_bn=True).written == (folder / "n.onnx",)
    assert [node.op_type for node in onnx.load(folder / "n.onnx").graph.node] == [
        "Conv",
        "Flatten",
        "Gemm",
    ]


def test_the_folded_text_never_replaces_the_source(files):
    prototxt, weights, _ = files
    before = weights.read_bytes()
    with pytest.raises(
        ProtofaceError, match="net.prototxt, which holds another one; choose another name"
    ):
        convert(prototxt, weights, weights.with_suffix(".h5"), fold_bn=True)
    assert not weights.with_suffix(".h5").exists()
    assert weights.read_bytes() == before
    assert prototxt.read_text() == NET


def test_new_folders_are_made(files):
    prototxt, weights, folder = files
    convert(prototxt, weights, folder / "deep" / "er" / "n.pt")
    assert (folder / "deep" / "er" / "n.pt").is_file()


@pytest.mark.parametrize("name", ["n.tflite", "n.prototxt", "n", "n.onnx.gz", "onnx"])
def test_an_unknown_suffix(files, name):
    prototxt, weights, folder = files
    with pytest.raises(
        ProtofaceError, match=f"{name}: unknown suffix; write .onnx, .pt, .caffemodel or"
    ):
        convert(prototxt, weights, folder / name)
    assert not list(folder.iterdir())


def test_the_suffix_is_checked_first(tmp_path):
    with pytest.raises(ProtofaceError, match="unknown suffix"):
        convert(tmp_path / "none.prototxt", tmp_path / "none.caffemodel", tmp_path / "n.txt")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("n.onnx", {"opset": 3}),
        ("n.onnx", {}),
        ("n.pt", {}),
        ("n.caffemodel", {}),
        ("n.h5", {"fold_bn": True}),
    ],
)
def test_what_stood_there_stays_when_it_fails(files, name, options):
    prototxt, weights, folder = files
    (folder / name).write_text("mine")
    if not options.get("opset"):
        weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ProtofaceError):
        convert(prototxt, weights, folder / name, **options)
    assert (folder / name).read_text() == "mine"
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written(files):
    prototxt, weights, folder = files
    (folder / "file").write_text("")
    with pytest.raises(ProtofaceError, match="file"):
        convert(prototxt, weights, folder / "file" / "n.pt")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def four(files):
    """A net, its weights in two formats, and its ONNX, in one folder."""
    prototxt, weights, _ = files
    for name in ("net.pt", "net.onnx"):
        convert(prototxt, weights, prototxt.parent / name)
    return prototxt.parent


FILES = ["net.prototxt", "net.caffemodel", "net.pt", "net.onnx"]
#: A net, weights of it, and any other file but the net's own.
RIGHT = {("net.prototxt", w, out) for w in FILES[1:3] for out in {*FILES[1:]} - {w}}


@pytest.mark.parametrize("names", sorted({*itertools.product(FILES, repeat=3)} - RIGHT))
def test_names_in_a_wrong_order_change_nothing(four, names):
    before = contents(four)
    with pytest.raises(ProtofaceError):
        convert(*(four / name for name in names))
    assert contents(four) == before


@pytest.mark.parametrize("out", [*FILES, "net.h5"])
@pytest.mark.parametrize("model", FILES)
def test_onnx_in_a_wrong_order_changes_nothing(four, model, out):
    """Nor does a right order, as OUT's net would replace net.prototxt, which nobody named."""
    before = contents(four)
    with pytest.raises(ProtofaceError):
        convert_onnx(four / model, four / out)
    assert contents(four) == before


def test_onnx_becomes_weights_and_a_net_beside_them(four, files):
    prototxt, weights, folder = files
    out, beside = folder / "back.pt", folder / "back.prototxt"
    assert convert_onnx(four / "net.onnx", out).written == (out, beside)
    assert set(folder.iterdir()) == {out, beside}
    np.testing.assert_allclose(output(load_net(beside, out)), output(load_net(prototxt, weights)))
    assert convert_onnx(four / "net.onnx", out).written == (out, beside)  # the same once more
    beside.write_text(beside.read_text() + "# mine")
    before = contents(folder)
    with pytest.raises(ProtofaceError, match="back.prototxt, which holds another one"):
        convert_onnx(four / "net.onnx", out)
    assert contents(folder) == before


def test_a_file_is_not_read_and_written_at_once(four):
    (four / "link.pt").symlink_to("net.pt")
    before = contents(four)
    with pytest.raises(ProtofaceError, match="link.pt: is read, so it cannot be written"):
        convert(four / "net.prototxt", four / "net.pt", four / "link.pt")
    assert contents(four) == before


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_a_net_without_parameters_goes_to_every_format_and_back(tmp_path, suffix):
    """What it computes is the same on every way; OpenCV reads what Caffe would write."""
    pool = "layer { name: 'pool' type: 'Pooling' bottom: 'x' top: 'y' pooling_param { %s } }"
    text = NET[: NET.index("layer { name: 'conv'")] + pool % "kernel_size: 2 stride: 2"
    (tmp_path / "net.prototxt").write_text(text)
    write_weights(tmp_path / "net.caffemodel", deployed(read_net(tmp_path / "net.prototxt")))
    convert(tmp_path / "net.prototxt", tmp_path / "net.caffemodel", tmp_path / f"n{suffix}")
    converted = convert(tmp_path / "net.prototxt", tmp_path / f"n{suffix}", tmp_path / "n.onnx")
    assert all(found.agrees for found in check_converted(tmp_path / "n.onnx", converted))
    back = convert_onnx(tmp_path / "n.onnx", tmp_path / f"back{suffix}")
    assert all(found.agrees for found in check_converted(tmp_path / f"back{suffix}", back))
    network = read_net_from_caffe(tmp_path / "back.prototxt", tmp_path / f"back{suffix}")
    picture = np.random.default_rng(0).normal(size=(1, 3, 6, 6)).astype(np.float32)
    network.setInput(picture, "x")
    expected = picture.reshape(1, 3, 3, 2, 3, 2).max((3, 5))
    np.testing.assert_array_equal(network.forward("y"), expected)


def test_a_net_that_needs_weights_refuses_a_file_without(files):
    prototxt, _, folder = files
    write_weights(folder / "empty.caffemodel", deployed(read_net(prototxt)))
    with pytest.raises(ProtofaceError, match="empty.caffemodel: has no weights for layer 'conv'"):
        convert(prototxt, folder / "empty.caffemodel", folder / "n.onnx")
    with pytest.raises(ProtofaceError, match="empty.caffemodel: has no weights for layer 'conv'"):
        read_net_from_caffe(prototxt, folder / "empty.caffemodel")
