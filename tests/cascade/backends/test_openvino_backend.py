"""OpenVINO as a backend: there or not, its precisions, the answers of ONNX Runtime."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from protoface.cascade import load
from protoface.cascade.backends import openvino_backend
from protoface.cascade.backends.onnxruntime_backend import OnnxRuntime
from protoface.cascade.backends.openvino_backend import OpenVino
from protoface.cascade.pictures import read_picture
from protoface.converters import ProtofaceError
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import Blobs

from .nets import branched_net, small_net

FLOAT = OpenVino("f32")


@pytest.fixture
def installed() -> None:
    """Skips without OpenVINO, and without ONNX Runtime to compare it with."""
    pytest.importorskip("openvino")
    pytest.importorskip("onnxruntime")


def random_feed(batch: int) -> Blobs:
    generator = np.random.default_rng(batch)
    shapes = {"near": (batch, 3, 12, 10), "far": (batch, 2, 6)}
    return {name: generator.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(openvino_backend, "find_spec", lambda name: None)
    for precision in ("f32", "bf16"):
        missing = OpenVino(precision).missing()
        assert missing == "openvino is not installed; pip install 'protoface[openvino]'"


@pytest.mark.usefixtures("installed")
def test_bf16_is_refused_where_the_cpu_lacks_it(monkeypatch):
    for capabilities, refused in ((["FP32", "BF16"], False), (["FP32", "INT8"], True)):
        monkeypatch.setattr(openvino_backend, "_capabilities", lambda known=capabilities: known)
        assert FLOAT.missing() is None
        assert ("does not compute in bfloat16" in (OpenVino("bf16").missing() or "")) == refused


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("batch", [1, 3])
def test_it_answers_as_onnx_runtime_does(batch):
    net, feed = branched_net(), random_feed(batch)
    found = FLOAT.run(net, "both", 1)(feed)
    expected = OnnxRuntime("cpu").run(net, "both", 1)(feed)
    assert set(found) == set(expected)
    for blob in expected:
        np.testing.assert_allclose(found[blob], expected[blob], rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("installed")
def test_a_result_outlives_the_next_call():
    run = FLOAT.run(branched_net(), "both", 1)
    first = run(random_feed(1))["fc"]
    before = first.copy()
    run(random_feed(2))
    run({name: 2 * blob for name, blob in random_feed(1).items()})
    np.testing.assert_array_equal(first, before)


@pytest.mark.usefixtures("installed")
def test_several_threads_do_not_disturb_each_other():
    run = FLOAT.run(branched_net(), "both", 1)
    feeds = [random_feed(1 + number % 3) for number in range(60)]
    expected = [run(feed)["fc"].copy() for feed in feeds]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda feed: run(feed)["fc"], feeds))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("installed")
def test_what_it_refuses_is_named():
    model = to_onnx(small_net(), "small")
    model.graph.node[-1].input[1] = "nowhere"
    with pytest.raises(ProtofaceError, match="^stage 's': OpenVINO .* refuses it: "):
        FLOAT.run(model, "stage 's'", 1)


@pytest.mark.usefixtures("installed")
def test_the_default_model_finds_the_same_points():
    image = read_picture(Path(__file__).parents[3] / "docs" / "demo.jpg")
    one, other = (load(backend=name).detect(image)[0].points for name in ("openvino", "onnxruntime"))
    np.testing.assert_allclose(one, other, atol=0.2)


SIGNALS = """
import gc, os, signal
from protoface.cascade import load
caught = []
signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
first, second = load(backend="openvino"), load("synthetic", backend="openvino")
del first
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
print(len(caught))
"""


@pytest.mark.usefixtures("installed")
def test_a_signal_does_not_end_the_process_after_a_model_is_gone():
    """Its plugin replaces the stack for signals; with several of them one is left that is unmapped."""
    run = [sys.executable, "-X", "faulthandler", "-c", SIGNALS]
    assert subprocess.run(run, capture_output=True, text=True).stdout == "1\n"
