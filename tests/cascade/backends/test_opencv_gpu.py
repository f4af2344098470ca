"""OpenCV's CUDA backend without a GPU: what is said to be missing, where layers are found to run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError
from protoface.cascade.backends.opencv_gpu import (
    explain,
    layers_by_place,
    missing_cuda,
    parse_dump,
    use_gpu,
)
from protoface.cascade.definition import NAMES
from protoface.cascade.measure.step_times import load_model
from protoface.converters.fold import fold_batch_norm
from protoface.converters.opencv_net import has_caffe_importer, opencv_net

from ..shipped import FINDERS
from .nets import small_net

ROOT = Path(__file__).parent.parent.parent
# Layer types whose supportBackend takes DNN_BACKEND_CUDA whatever their options (OpenCV 4.14,
# dnn/src/layers), of those that shipped nets become; Reduce, Gather and Tile, for three, have none.
ON_GPU = {"Convolution", "ReLU", "Eltwise", "InnerProduct", "Dropout", "Reshape", "Softmax", "Scale"}
# As OpenCV 4.14 writes it (dnn/src/net_impl.cpp, Net::Impl::dump): a layer, and two that run as one.
DUMP = r"""digraph G {
	"conv" [label="conv\nConvolution\nkernel_size (HxW): 3 x 3\lgroup: 6\loutput: [1 x 6 x 4 x 4]\lCUDA/CUDA_FP16\n" fillcolor="#ff4848" style=filled shape=box]
	"cluster_0" [label="{fc\nInnerProduct\l | act\nReLU\noutput: [1 x 10]\lCUDA/CUDA\n }" fillcolor="#fdb462" style=filled shape=record]
	"order" [label="order\nArgMax\noutput: [1 x 1]\lOCV/CUDA\n" fillcolor="#fdb462" style=filled shape=box]

	"conv" -> "cluster_0"
}"""  # noqa: E501


@pytest.fixture
def network():
    return opencv_net(small_net(), "small", classic_engine=True)


def test_the_layers_of_a_dump():
    assert parse_dump(DUMP) == (["conv", "fc", "act"], ["order"])


def test_every_layer_of_a_real_net_is_found_on_the_cpu(network):
    """Those of OpenCV's own list, so that none escapes the parser when its text changes."""
    network.setInput(np.zeros((1, 3, 12, 10), np.float32))
    network.forward()
    on_gpu, on_cpu = layers_by_place(network)
    assert on_gpu == []
    assert sorted(on_cpu) == sorted(network.getLayerNames())


@pytest.mark.skipif(not has_caffe_importer(), reason="OpenCV 4 only: no CUDA build of 5 was tried")
@pytest.mark.parametrize(
    "model", [name for name in NAMES if "int8" not in name and name not in FINDERS]
)
def test_shipped_nets_have_only_layers_that_the_gpu_has(model):
    """But those of finders, whose other layers were not tried on a GPU."""
    for net in load_model(model, [])[1]:
        network = opencv_net(fold_batch_norm(net, model), model, classic_engine=True)
        types = {network.getLayer(network.getLayerId(name)).type for name in network.getLayerNames()}
        assert types <= ON_GPU


@pytest.mark.skipif(missing_cuda() is None, reason="a GPU is there")
def test_a_net_that_cannot_have_the_gpu_is_an_error(network):
    with pytest.raises(
        ProtofaceError, match=r"^small: OpenCV .* (on the GPU: .*CUDA|all of it on the CPU)"
    ):
        use_gpu(network, "DNN_TARGET_CUDA", {"data": [1, 3, 12, 10]}, "small")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((0, False, False), "built without CUDA, as all of PyPI's are; /"),
        ((-1, True, False), "finds no NVIDIA driver new enough"),
        ((0, True, False), "finds no GPU"),
        ((1, True, False), "not in its DNN module or not for this GPU"),
    ],
)
def test_what_is_missing_is_said_in_one_line(found, said):
    line = explain(*found)
    assert line is not None
    assert said in line
    assert cv2.__version__ in line
    assert "\n" not in line


def test_nothing_is_missing_where_there_is_a_gpu():
    assert explain(1, True, True) is None


def test_the_builds_of_pypi():
    if "NVIDIA CUDA:" in cv2.getBuildInformation():
        pytest.skip("this OpenCV is not one of PyPI's")
    assert "is built without CUDA" in (missing_cuda() or "")


@pytest.mark.skipif(
    "PROTOFACE_OPENCV_CUDA" not in os.environ,
    reason="needs an OpenCV with CUDA and its libraries in the folder $PROTOFACE_OPENCV_CUDA",
)
def test_a_build_with_cuda_without_a_driver():
    code = (
        "import cv2; from protoface.cascade.backends.opencv_gpu import missing_cuda; "
        "print(cv2.cuda.getCudaEnabledDeviceCount(), missing_cuda())"
    )
    path = os.environ["PROTOFACE_OPENCV_CUDA"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    count, _, line = done.stdout.strip().partition(" ")
    expected = {"-1": "finds no NVIDIA driver", "0": "finds no GPU"}.get(count, "None")
    assert expected in line


def test_the_script_that_compares_ways_to_give_a_net(tmp_path):
    """On the CPU: the nets that it times compute the same, and all are in its report."""
    script, file = Path(__file__).parent / "opencv_variants.py", tmp_path / "variants.json"
    options = ["--model", "synthetic", "--batch", "2", "--runs", "1", "--json", str(file)]
    subprocess.run([sys.executable, str(script), *options], check=True, capture_output=True)
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 2 * 4
    assert max(row["apart"] for row in rows) < 1e-4
    assert min(row["apart"] for row in rows if row["variant"] != "as trained") > 0
