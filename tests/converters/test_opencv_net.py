"""Caffe files in OpenCV: its own importer where there is one, ONNX elsewhere, the same names."""

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.converters import (
    ProtofaceError,
    build_graph,
    load_net,
    read_net_from_caffe,
    write_weights,
)
from protoface.converters.check import random_inputs
from protoface.converters.opencv_net import (
    for_importer,
    has_caffe_importer,
    opencv_net,
    opencv_net_from_onnx,
)
from protoface.converters.runtimes import run_opencv, run_pytorch

needs_importer = pytest.mark.skipif(
    not has_caffe_importer(), reason=f"OpenCV {cv2.__version__} has no importer of Caffe files"
)


def test_the_importer_is_in_4_and_not_in_5():
    assert has_caffe_importer() == cv2.__version__.startswith("4.")


def test_published_files_give_what_caffe_gave(published, demo_reference):
    for level in (1, 2):
        network = read_net_from_caffe(*published(level))
        inputs, expected = demo_reference(level)
        network.setInput(inputs, "data")
        assert np.abs(network.forward("fc2") - expected).max() < 1e-5
        for picture, output in zip(inputs, expected, strict=True):
            network.setInput(picture[None])
            assert np.abs(network.forward() - output).max() < 1e-5


@needs_importer
@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".pt"])
@pytest.mark.filterwarnings("ignore:.*layer names contain")
def test_converted_files_load_in_opencv_itself(tmp_path, published, demo_reference, suffix):
    """The file that comes back through each format is read by OpenCV's own reader."""
    for level in (1, 2):
        prototxt, weights = published(level)
        write_weights(tmp_path / f"n{suffix}", load_net(prototxt, weights))
        write_weights(tmp_path / "n.caffemodel", load_net(prototxt, tmp_path / f"n{suffix}"))
        network = cv2.dnn.readNetFromCaffe(str(prototxt), str(tmp_path / "n.caffemodel"))
        inputs, expected = demo_reference(level)
        network.setInput(inputs)
        assert np.abs(network.forward() - expected).max() < 1e-5


RAW = """
layer {{ name: 'in' type: 'Input' top: 'x' input_param {{ shape {{ dim: [1, 4, 6, 6] }} }} }}
layer {{ name: 'one' type: '{kind}' bottom: 'x' top: 'y' {options} }}
layer {{ name: 'two' type: 'ReLU' bottom: 'y' top: 'y' }}
"""


@pytest.mark.parametrize(
    ("kind", "options", "by_onnx"),
    [
        ("Convolution", "convolution_param { num_output: 4 kernel_size: 3 group: 2 }", False),
        ("ConvolutionDepthwise", "convolution_param { kernel_size: 3 }", False),
        ("PReLU", "prelu_param { channel_shared: true }", False),
        ("Scale", "scale_param { num_axes: 0 bias_term: true }", False),
        ("Scale", "scale_param { axis: -1 }", False),
        ("InnerProduct", "inner_product_param { num_output: 2 transpose: true }", False),
        ("Concat", "concat_param { concat_dim: 1 }", False),
        ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }", False),
        ("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", False),
        ("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }", False),
        ("Pooling", "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }", True),
        ("Pooling", "pooling_param { kernel_size: 1 stride: 4 }", True),
        ("Pooling", "pooling_param { kernel_h: 1 kernel_w: 2 stride: 4 pad_h: 0 pad_w: 1 }", True),
        ("InnerProduct", "inner_product_param { num_output: 2 axis: 0 }", True),
    ],
)
def test_only_what_the_importer_cannot_read_goes_by_onnx(net_of, filled, kind, options, by_onnx):
    net = filled(net_of(RAW.format(kind=kind, options=options)))
    assert (for_importer(net, "net") is None) == by_onnx
    graph = build_graph(net, "net")
    feed = random_inputs(graph, 1, 0)
    expected = run_pytorch(net, np.float64)(feed)["y"]
    found = run_opencv(opencv_net(net, "net"), graph)(feed)["y"]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_outputs_are_named_after_blobs(net_of, filled):
    net = filled(net_of(RAW.format(kind="Softmax", options="")))
    network = opencv_net(net, "net")
    network.setInput(np.ones((1, 4, 6, 6), np.float32), "x")
    assert network.forward("y").shape == (1, 4, 6, 6)
    assert list(network.getUnconnectedOutLayersNames()) == ["y"]


def test_float64_weights(net_of, filled, agree):
    net = filled(net_of(RAW.format(kind="Scale", options="")))
    net.layer[1].blobs[0].double_data.extend(net.layer[1].blobs[0].data)
    net.layer[1].blobs[0].ClearField("data")
    agree(net)


def test_files_of_old_caffes(tmp_path, net_of, filled):
    """V1 layers and `input_dim`, which OpenCV's importer knows or not: it is given today's."""
    (tmp_path / "old.prototxt").write_text("""input: 'x' input_dim: [1, 4, 6, 6]
        layers { name: 'one' type: INNER_PRODUCT bottom: 'x' top: 'y' blobs_lr: 1
                 inner_product_param { num_output: 3 } }""")
    today = filled(net_of((tmp_path / "old.prototxt").read_text()))
    write_weights(tmp_path / "old.caffemodel", today)
    network = read_net_from_caffe(tmp_path / "old.prototxt", tmp_path / "old.caffemodel")
    network.setInput(np.ones((1, 4, 6, 6), np.float32))
    expected = run_pytorch(today, np.float64)({"x": np.ones((1, 4, 6, 6))})["y"]
    np.testing.assert_allclose(network.forward(), expected, rtol=1e-5, atol=1e-5)


def test_bad_files_are_our_errors(tmp_path, published):
    prototxt, weights = published(1)
    with pytest.raises(ProtofaceError, match="No such file"):
        read_net_from_caffe(prototxt, tmp_path / "none.caffemodel")
    (tmp_path / "cut.caffemodel").write_bytes(weights.read_bytes()[:10_000])
    with pytest.raises(ProtofaceError, match="cut.caffemodel"):
        read_net_from_caffe(prototxt, tmp_path / "cut.caffemodel")


def test_what_opencv_refuses_is_our_error(capfd):
    with pytest.raises(ProtofaceError, match=f"n.onnx: OpenCV {cv2.__version__} refuses it: "):
        opencv_net_from_onnx(b"no model", "n.onnx")


@pytest.mark.slow
def test_the_lines_of_the_docs(tmp_path, published):
    """docs/opencv5.md, pasted into a fresh process: five lines of Python, then two of the shell."""
    text = (Path(__file__).parents[2] / "docs" / "opencv5.md").read_text()
    _, lines, shell, last = re.findall(r"```(?:python)?\n(.*?)```", text, re.DOTALL)
    assert lines.count("\n") == 5
    for source, name in zip(published(1), ("deploy.prototxt", "net.caffemodel"), strict=True):
        shutil.copy(source, tmp_path / name)
    picture = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "face.jpg"), picture)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = partial(subprocess.run, cwd=tmp_path, check=True, env={**os.environ, "PATH": path})
    run(["bash", "-ec", shell], capture_output=True)
    same = "assert abs(out - net.forward()).max() < 1e-4"
    again = lines.splitlines()[3].strip()
    run([sys.executable, "-c", f"{lines}\n{last}\n{again}\n{same}"])
