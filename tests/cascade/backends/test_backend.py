"""What every backend does alike: blobs in, blobs out, the same numbers as any other."""

import numpy as np
import pytest

from protoface.cascade.backends.choice import BACKENDS
from protoface.converters import ProtofaceError
from protoface.converters.graph import Net
from protoface.converters.onnx_export import to_onnx
from protoface.converters.opencv_net import opencv_net_from_onnx
from protoface.converters.runtimes import Blobs, run_pytorch

from .nets import SMALL, branched_net, net_of, small_net

HERE = [name for name, backend in BACKENDS.items() if backend.missing() is None]
ONNX = [name for name in HERE if BACKENDS[name].runs_onnx]


def within(name: str) -> float:
    return 5e-3 if "fp16" in name else 1e-5


def feed(batch: int) -> Blobs:
    generator = np.random.default_rng(batch)
    return {
        "near": generator.normal(size=(batch, 3, 12, 10)).astype(np.float32),
        "far": generator.normal(size=(batch, 2, 6)).astype(np.float32),
    }


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_backend_computes_what_opencv_computes(name, batch):
    net = small_net()
    x = np.random.default_rng(0).normal(size=(batch, 3, 12, 10)).astype(np.float32)
    reference = opencv_net_from_onnx(to_onnx(net, "small").SerializeToString(), "small")
    reference.setInput(x)
    run = BACKENDS[name].run(net, "small", threads=1)
    for _ in range(2):  # a second time: nothing is kept of the first
        found = run({"data": x})
        assert list(found) == ["fc"]
        assert found["fc"].shape == (batch, 6)
        np.testing.assert_allclose(found["fc"], reference.forward(), atol=within(name))


def check(net: Net, name: str, model: bool) -> None:
    """A backend's answers to several batches against PyTorch in float64."""
    given = to_onnx(net, "branched") if model else net
    run = BACKENDS[name].run(given, "branched", threads=1)
    exact = run_pytorch(net, np.float64, "branched")
    for batch in (2, 1, 5):
        expected, found = exact(feed(batch)), run(feed(batch))
        assert set(found) == set(expected) == {"score", "fc", "rest"}
        for blob, values in expected.items():
            assert found[blob].shape == values.shape
            np.testing.assert_allclose(found[blob], values, atol=within(name))


@pytest.mark.parametrize("name", HERE)
def test_several_inputs_and_outputs(name):
    check(branched_net(), name, model=False)


@pytest.mark.parametrize("name", ONNX)
def test_several_inputs_and_outputs_of_an_onnx_file(name):
    check(branched_net(), name, model=True)


@pytest.mark.parametrize("name", HERE)
def test_inputs_go_by_name_in_any_order(name):
    run = BACKENDS[name].run(branched_net(), "branched", threads=1)
    blobs = feed(2)
    one, other = run(blobs), run(dict(reversed(blobs.items())))
    for blob, values in one.items():
        np.testing.assert_array_equal(other[blob], values)


@pytest.mark.parametrize("name", ONNX)
def test_a_net_without_weights_is_named(name):
    net = net_of(SMALL)
    for layer in net.layer:
        del layer.blobs[:]
    with pytest.raises(ProtofaceError, match="stage 'level_1'"):
        BACKENDS[name].run(net, "stage 'level_1'", 1)


@pytest.mark.parametrize("name", ONNX)
def test_an_onnx_model_that_is_none_is_named(name):
    model = to_onnx(small_net(), "small")
    model.graph.node[-1].op_type = "Nonsense"
    with pytest.raises(ProtofaceError, match=r"stage 'level_1' \(one.onnx\): .* refuses it: "):
        BACKENDS[name].run(model, "stage 'level_1' (one.onnx)", 1)


@pytest.mark.parametrize("name", list(BACKENDS))
def test_what_is_missing_is_one_line(name):
    missing = BACKENDS[name].missing()
    assert missing is None or (missing and "\n" not in missing)
