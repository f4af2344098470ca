"""Weights too small to matter: zero wherever a net runs, counted, and never touched in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from protoface.cascade import BACKENDS
from protoface.converters import build_graph, convert, fold_batch_norm, load_net, to_onnx, write_weights
from protoface.converters.blobs import Array, blob_view
from protoface.converters.check import check_converted
from protoface.converters.commands.layers import layers
from protoface.converters.conversion import Converted
from protoface.converters.denormals import (
    TINY,
    count_denormals,
    flushed,
    flushed_model,
    flushed_weights,
    weights_in,
)
from protoface.converters.fillers import fill
from protoface.converters.graph import Net
from protoface.converters.net_summary import summarise
from protoface.converters.onnx_export import write_onnx
from protoface.converters.opencv_net import for_importer
from protoface.converters.prototxt import parse_message, to_text
from protoface.converters.pytorch import flush_weights, from_pytorch, to_pytorch
from protoface.converters.runtimes import run_pytorch
from protoface.converters.weights import arrays_of, read_weights, with_arrays, without_weights

HERE = [name for name, backend in BACKENDS.items() if backend.missing() is None]
NET = """
name: "small" layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" batch_norm_param { eps: 1e-30 } }
layer { name: "scale" type: "Scale" bottom: "bn" top: "scale" scale_param { bias_term: true } }
layer { name: "fc" type: "InnerProduct" bottom: "scale" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""


def net_with(values: dict[str, Array]) -> Net:
    """The small net, filled, with some blobs replaced."""
    text = parse_message(NET, Net(), "small")
    graph = build_graph(text, "small")
    arrays = {key: array.copy() for key, array in arrays_of(fill(text, 0), "small").items()}
    arrays["bn.1"][:], arrays["bn.2"][:] = 1, 1
    arrays["scale.0"][:] = 1
    return with_arrays(text, graph, {**arrays, **values})


@pytest.fixture
def small() -> Net:
    """Every second weight of the convolution, and some of each other blob, is tiny."""
    arrays = {key: array.copy() for key, array in arrays_of(net_with({}), "small").items()}
    arrays["conv.0"].reshape(-1)[::2] = 3e-39
    arrays["fc.0"].reshape(-1)[:7] = -1e-21
    arrays["scale.1"][:2] = 1e-41
    return net_with({key: arrays[key] for key in ("conv.0", "fc.0", "scale.1")})


@pytest.fixture
def folder(small: Net, tmp_path: Path) -> Path:
    (tmp_path / "net.prototxt").write_text(to_text(without_weights(small)))
    write_weights(tmp_path / "net.caffemodel", small)
    return tmp_path


def tiny(array: Array) -> int:
    sizes = np.abs(array)
    return int(((sizes > 0) & (sizes < TINY)).sum())


def feed(count: int = 3) -> dict[str, Array]:
    pixels = np.random.default_rng(1).normal(0, 50, (count, 3, 8, 8))
    return {"data": pixels.astype(np.float32)}


def test_what_is_set_to_zero():
    values = np.array([0, -0.0, 1e-45, -1e-38, 9.9e-21, 1.1e-20, 1, np.nan, np.inf], np.float32)
    found = flushed(values)
    np.testing.assert_array_equal(found, [0, 0, 0, 0, 0, np.float32(1.1e-20), 1, np.nan, np.inf])
    assert tiny(values) == 3
    assert flushed(found) is found
    assert flushed(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert flushed(np.float32(1e-30).reshape(())) == 0


def test_large_blobs_are_read_part_by_part(monkeypatch):
    monkeypatch.setattr("protoface.converters.denormals.CHUNK", 7)
    values = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    values[::2, ::3] = 1e-39
    np.testing.assert_array_equal(flushed(values), np.where(np.abs(values) < TINY, 0, values))
    assert count_denormals(values) == 9


def test_what_counts_as_denormal():
    values = np.array([0, 1e-45, -1.17e-38, 1.18e-38, 1e-21], np.float32)
    assert count_denormals(values) == 2
    assert count_denormals(np.array([1e-60, 1e-40, 1e-300, 1])) == 1  # as float32: the others are zero


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("model", [False, True])
def test_every_backend_answers_the_same_as_with_all_weights(name, model, small):
    if model and not BACKENDS[name].runs_onnx:
        pytest.skip("does not run ONNX models")
    exact = run_pytorch(small, np.float64)(feed())["fc"]
    given = to_onnx(small, "small") if model else small
    found = BACKENDS[name].run(given, "small", 1)(feed())["fc"]
    atol = 1e-6 if "16" not in name else 0.02
    np.testing.assert_allclose(found, exact, atol=atol * np.abs(exact).max())


def test_onnx_runtime_answers_the_same_with_and_without():
    runtime = pytest.importorskip("onnxruntime")
    arrays = {key: array.copy() for key, array in arrays_of(net_with({}), "small").items()}
    arrays["conv.0"].reshape(-1)[::2] = 3e-39
    model = to_onnx(net_with(arrays), "small")
    index = next(i for i, t in enumerate(model.graph.initializer) if t.name == "conv.0")
    before = onnx.ModelProto()
    before.CopyFrom(model)
    before.graph.initializer[index].raw_data = arrays["conv.0"].tobytes()
    answers = [
        runtime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, feed()
        )[0]
        for m in (model, before)
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_nothing_tiny_is_exported(small, tmp_path):
    for net in (small, fold_batch_norm(small, "small")):
        write_onnx(tmp_path / "net.onnx", to_onnx(net, "small"))
        model = onnx.load(tmp_path / "net.onnx")
        assert sum(tiny(numpy_helper.to_array(t)) for t in model.graph.initializer) == 0
    assert sum(tiny(array) for array in arrays_of(small, "small").values()) > 50  # as it was


def test_nothing_tiny_is_given_to_opencvs_importer(small):
    rewritten = for_importer(small, "small")
    assert rewritten is not None
    assert sum(tiny(blob_view(blob, "x")) for layer in rewritten.layer for blob in layer.blobs) == 0


def test_a_module_is_exact_until_it_is_to_run(small):
    module = to_pytorch(small, "small")
    back = arrays_of(from_pytorch(module, small), "small")
    for key, array in arrays_of(small, "small").items():
        assert back[key].tobytes() == array.tobytes()
    flush_weights(module)
    assert sum(tiny(tensor.numpy()) for tensor in module.state_dict().values()) == 0


def test_in_float64_nothing_is_tiny(small):
    """There 1e-21 is a number as any other: alone it is the answer."""
    arrays = {key: np.zeros_like(array) for key, array in arrays_of(small, "small").items()}
    arrays["bn.1"][:], arrays["bn.2"][:], arrays["scale.0"][:] = 1, 1, 1
    arrays["fc.1"][:] = 1e-21
    net = net_with(arrays)
    np.testing.assert_allclose(run_pytorch(net, np.float64)(feed())["fc"], 1e-21, rtol=1e-6)
    assert not run_pytorch(net, np.float32)(feed())["fc"].any()


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".pt"])
def test_files_keep_every_bit(suffix, folder, small):
    convert(folder / "net.prototxt", folder / "net.caffemodel", folder / f"out{suffix}")
    found = arrays_of(read_weights(folder / f"out{suffix}"), "out")
    expected = arrays_of(small, "small")
    assert found.keys() == expected.keys()
    for key in expected:
        assert found[key].tobytes() == expected[key].tobytes()
    if suffix == ".caffemodel":
        assert (folder / "out.caffemodel").read_bytes() == (folder / "net.caffemodel").read_bytes()


def test_a_tiny_variance_and_its_factor_are_no_weights():
    """Divided by; and the factor is a divisor of both sums. eps is a number of the text."""
    scale = 1e-25
    values = {
        "conv.1": np.zeros(4, np.float32),
        "bn.0": np.full(4, 3e-25, np.float32),
        "bn.1": np.full(4, 9e-25, np.float32),
        "bn.2": np.full(1, scale, np.float32),  # so the mean is 3, the variance 9
    }
    net = net_with(values)
    exact = run_pytorch(net, np.float64)(feed())["fc"]
    assert np.isfinite(exact).all()
    for name in HERE:
        found = BACKENDS[name].run(net, "small", 1)(feed())["fc"]
        np.testing.assert_allclose(found, exact, rtol=0.02 if "16" in name else 1e-4, atol=1e-4)
    graph = build_graph(net, "small")
    assert weights_in(graph) == {"conv.0", "conv.1", "scale.0", "scale.1", "fc.0", "fc.1"}
    kept = flushed_weights(arrays_of(net, "small"), graph)
    np.testing.assert_array_equal(kept["bn.1"], values["bn.1"])


def test_a_parameter_may_be_anything_even_if_it_is_shared():
    text = (
        NET
        + """
    layer { name: "p" type: "Parameter" top: "p" param { name: "w" }
      parameter_param { shape { dim: 5 dim: 144 } } }
    """
    )
    net = parse_message(text.replace('"fc"\n', '"fc" param { name: "w" }\n'), Net(), "shared")
    assert not {"fc.0", "p.0"} & weights_in(build_graph(net, "shared"))


def test_int8_scales_are_no_weights():
    """A quantised model divides by its scales; what it holds in float32 stays."""
    tensor = numpy_helper.from_array
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
            helper.make_node("Conv", ["d", "w", "b"], ["y"]),
            helper.make_node("Add", ["y", "shared"], ["z"]),
            helper.make_node("Conv", ["z", "shared"], ["out"]),
        ],
        "int8",
        [helper.make_tensor_value_info("x", 1, ["N", 1, 4, 4])],
        [helper.make_tensor_value_info("out", 1, None)],
        [
            tensor(np.float32(1e-25), "scale"),
            tensor(np.int8(0), "zero"),
            tensor(np.full((1, 1, 1, 1), 1e-39, np.float32), "w"),
            tensor(np.ones(1, np.float32), "b"),
            tensor(np.full((1, 1, 1, 1), 1e-39, np.float32), "shared"),
        ],
    )
    model = helper.make_model(graph)
    before = model.SerializeToString()
    found = {t.name: numpy_helper.to_array(t) for t in flushed_model(model).graph.initializer}
    assert found["w"].item() == 0
    assert found["scale"].item() == np.float32(1e-25)
    assert found["shared"].item() == np.float32(1e-39)  # it is added as well
    assert model.SerializeToString() == before
    clean = flushed_model(flushed_model(model))
    assert flushed_model(clean) is clean


def test_counts_are_listed(folder, small):
    arguments = [str(folder / "net.prototxt"), "--weights", str(folder / "net.caffemodel")]
    text = CliRunner().invoke(layers, arguments, standalone_mode=False).output
    assert "56 weights are denormal (below 1.2e-38), which makes a net slow" in text
    found = summarise(small, small)
    counts = {row.name: row.denormals for row in found.rows if row.denormals is not None}
    assert counts == {"conv": 54, "scale": 2, "fc": 0}
    assert summarise(small).denormals is None
    clean = net_with({})
    assert summarise(clean, clean).denormals == 0


def test_what_the_published_nets_hold(published, tmp_path):
    """With BatchNorm folded, as they are run, and as they are in the file, which `layers` counts."""
    for level, (folded, held) in {1: (5995, 11403), 2: (2471, 4301)}.items():
        net = load_net(*published(level))
        assert summarise(net, net).denormals == held
        arrays = arrays_of(fold_batch_norm(net, "net"), "net")
        assert sum(map(count_denormals, arrays.values())) == folded
        write_onnx(tmp_path / "net.onnx", to_onnx(fold_batch_norm(net, "net"), "net"))
        checked = check_converted(tmp_path / "net.onnx", Converted(net, net, (tmp_path / "net.onnx",)))
        assert max(one.difference for one in checked) < 1e-6
