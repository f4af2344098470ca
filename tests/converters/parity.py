"""What the converters' tests share: small nets with random weights, and parity between runtimes."""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from protoface.converters import ProtofaceError, build_graph, caffe_pb2, to_onnx
from protoface.converters.graph import Graph, Net
from protoface.converters.layers import layer_types
from protoface.converters.layers.pooling import LOWEST
from protoface.converters.onnx_export import MINIMUM_OPSET
from protoface.converters.opencv_net import has_caffe_importer, opencv_net, opencv_net_from_onnx
from protoface.converters.prototxt import parse_message
from protoface.converters.runtimes import run_onnxruntime, run_opencv, run_pytorch
from protoface.converters.upgrade import upgrade
from protoface.converters.weights import with_arrays

PROTOTXT = Path(__file__).parents[2] / "prototxt"
Array = NDArray[Any]
Shape = tuple[int, ...]
# From the bottoms and the blobs in float64, what the layer under test should make of them.
Reference = Callable[[list[Array], list[Array]], Array | list[Array]]

FLOAT32_TOLERANCE = 1e-5  # between runtimes, as a part of the largest output
FLOAT64_TOLERANCE = 1e-12  # between PyTorch and the formula


def net_of(text: str) -> Net:
    """A net from protobuf text, upgraded."""
    return upgrade(parse_message(text, Net(), "test net"), "test net")


def one_layer(kind: str, options: str, shapes: Sequence[Shape], tops: int = 1) -> Net:
    """Inputs `x0`, `x1`, ... of the shapes and one layer `layer` that makes `y` (or `y0`, `y1`...)."""
    names = ["y"] if tops == 1 else [f"y{i}" for i in range(tops)]
    net = Net(name="test net")
    for index, shape in enumerate(shapes):
        entry = net.layer.add(name=f"x{index}", type="Input", top=[f"x{index}"])
        entry.input_param.shape.add(dim=shape)
    layer = net.layer.add(name="layer", type=kind, top=names)
    layer.bottom.extend(f"x{index}" for index in range(len(shapes)))
    layer.MergeFrom(parse_message(options, caffe_pb2.LayerParameter(), "options"))
    return net


def random_arrays(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Random float32 blobs for a net, by key, so that values stay about as large from layer to layer.

    BatchNorm's statistics have a factor of 3.7.
    """
    generator = np.random.default_rng(seed)
    arrays = {}
    for node in graph.nodes:
        for index, (key, spec) in enumerate(zip(node.keys, node.specs, strict=True)):
            array = generator.normal(0, 1, spec.shape) / math.sqrt(math.prod(spec.shape[1:]))
            if node.layer.param.type == "BatchNorm":
                array = np.full((1,), 3.7) if index == 2 else 3.7 * (np.abs(array) + index * 0.3)
            arrays.setdefault(key, array.astype(np.float32))
    return arrays


def filled(net: Net, seed: int = 0) -> Net:
    """A copy of a net with random weights."""
    graph = build_graph(net, "test net")
    return with_arrays(net, graph, random_arrays(graph, seed))


def feed_of(graph: Graph, batch: int | None, seed: int = 0, shift: float = 0.0) -> dict[str, Array]:
    """Normal noise about `shift` for every input, with `batch` instead of the declared first size.

    None keeps the declared one of each input.
    """
    generator = np.random.default_rng(seed)
    shapes = {
        value.blob: value.shape if batch is None else (batch, *value.shape[1:])
        for value in graph.inputs
    }
    return {
        blob: generator.normal(shift, 1, shape).astype(np.float32) for blob, shape in shapes.items()
    }


def runtimes(net: Net) -> dict[str, Callable[[dict[str, Array]], dict[str, Array]]]:
    """Name -> a function that loads a net with weights in that runtime and runs it (float32)."""
    graph = build_graph(net, "test net")

    def model() -> bytes:
        return to_onnx(net, "test net").SerializeToString()

    runs = {
        "torch": lambda feed: run_pytorch(net, np.float32)(feed),
        "onnxruntime": lambda feed: run_onnxruntime(model(), graph, threads=1)(feed),
        "opencv-onnx": lambda feed: run_opencv(opencv_net_from_onnx(model(), "test net"), graph)(feed),
    }
    if has_caffe_importer():
        runs["opencv-caffe"] = lambda feed: run_opencv(opencv_net(net, "test net"), graph)(feed)
    return runs


def difference(expected: Array, actual: Array) -> float:
    """Largest difference as a part of the largest expected value; NaN if anything is not a number.

    The lowest float, Caffe's maximum over no pixel, must be the same in both and sets no scale.
    """
    assert actual.shape == expected.shape
    empty = expected == LOWEST
    if not np.array_equal(actual == np.float32(LOWEST), empty):
        return math.inf
    expected, actual = expected[~empty], actual[~empty]
    scale = np.abs(expected).max(initial=np.finfo(np.float32).tiny)
    return float((np.abs(actual - expected) / scale).max(initial=0.0))


def check_net(
    net: Net,
    expected: Callable[[dict[str, Array]], dict[str, Array]] | None = None,
    batches: Sequence[int | None] = (1, 2),
    apart: Mapping[str, str] | None = None,
    shift: float = 0.0,
    within: float = FLOAT32_TOLERANCE,
    put_right: Mapping[str, Callable[[Array], Array]] | None = None,
    least_opset: int = MINIMUM_OPSET,
) -> None:
    """All runtimes give what `expected` (by default PyTorch in float64) gives, for every batch size.

    `apart` names runtimes that are known to refuse the net, each with the reason, which the layer's
    `notes` (the support table) must tell as well. `put_right` makes of a runtime's output what it
    should be, where notes tell that it differs. `least_opset`: ONNX's first that has its operators.
    """
    notes = " ".join(layer_types()[layer.type].notes for layer in net.layer)
    assert all(reason in notes for reason in (apart or {}).values())
    graph = build_graph(net, "test net")
    for opset in (least_opset, onnx.defs.onnx_opset_version()):
        to_onnx(net, "test net", opset)  # checks that the operators are those of the opset
    exact = run_pytorch(net, np.float64)
    for batch in batches:
        feed = feed_of(graph, batch, seed=batch or 0, shift=shift)
        reference = (expected or exact)(feed)
        for name, run in {"float64": exact, **runtimes(net)}.items():
            if name in (apart or {}):
                with pytest.raises(ProtofaceError):  # else the note is out of date
                    run(feed)
                continue
            tolerance = FLOAT64_TOLERANCE if name == "float64" else within
            right = (put_right or {}).get(name, lambda output: output)
            for blob, output in run(feed).items():
                found = difference(reference[blob], right(output))
                assert found <= tolerance, f"{name}, batch {batch}, {blob}: {found:.2g}"


def check_layer(
    kind: str,
    options: str,
    shapes: Sequence[Shape],
    reference: Reference,
    tops: int = 1,
    batches: Sequence[int | None] = (1, 2),
    apart: Mapping[str, str] | None = None,
    shift: float = 0.0,
) -> None:
    """One layer with random weights computes `reference` in every runtime, and declares its shapes."""
    bare = one_layer(kind, options, shapes, tops)
    seed = zlib.crc32(repr((kind, options, shapes)).encode())
    net = filled(bare, seed)
    graph = build_graph(net, "test net")
    blobs = [array.astype(np.float64) for array in random_arrays(graph, seed).values()]

    def expected(feed: dict[str, Array]) -> dict[str, Array]:
        outputs = reference([feed[f"x{i}"].astype(np.float64) for i in range(len(shapes))], blobs)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return dict(zip(net.layer[-1].top, outputs, strict=True))

    declared = expected(feed_of(graph, None, shift=shift))
    assert {value.blob: value.shape for value in graph.outputs} == {
        blob: output.shape for blob, output in declared.items()
    }
    check_net(net, expected, batches, apart, shift)
