"""An ONNX model in 8-bit integers: static quantisation by ONNX Runtime, with settings of our own.

What was chosen, and what the alternatives came to, is in docs/compression.md.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import onnx

from .ends import Blobs
from .errors import ProtofaceError

#: Operators whose second input is a weight that becomes int8.
WEIGHTED = ("Conv", "Gemm", "MatMul")
# So the quantiser says nothing of its pre-processing, which does nothing for a net without BatchNorm.
PREPARED = {"key": "onnx.quant.pre_process", "value": "onnxruntime.quant"}


class _Reader:
    """Batches as the calibrator asks for them."""

    def __init__(self, feeds: Iterable[Blobs]) -> None:
        self.feeds = iter(feeds)

    def get_next(self) -> Blobs | None:
        """The next batch of every input, by name; None behind the last one."""
        return next(self.feeds, None)


def to_int8(model: onnx.ModelProto, feeds: Iterable[Blobs], source: str) -> onnx.ModelProto:
    """A copy of a float32 model whose layers compute in 8-bit integers.

    `feeds` hold batches (n, ...) float32 of what its inputs really see: the ranges of the activations,
    uint8, are the least and the largest values met. Weights are int8 with a scale for each output
    channel. The first and the last layers with weights stay in float32, as inputs and outputs do, and
    so does what comes behind them. BatchNorm should be folded before. Raises ProtofaceError, with
    `source`, if ONNX Runtime is missing or refuses the model, and if there is nothing to quantise.
    """
    if not find_spec("onnxruntime"):
        raise ProtofaceError("int8 needs ONNX Runtime; pip install 'protoface[onnxruntime]'")
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    prepared.metadata_props.add(**PREPARED)
    for number, node in enumerate(prepared.graph.node):
        node.name = str(number)  # as unique as the quantiser needs, and short
    kept = _kept_in_float(prepared, source)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(prepared, before)
        try:
            _quantize(before, after, _Reader(feeds), kept)
        except Exception as error:  # its errors have no class of their own above them
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ProtofaceError(f"{source}: ONNX Runtime cannot quantise it: {reason}") from error
        result = onnx.load(after)
    del result.metadata_props[:], result.graph.value_info[:]
    return result


def _kept_in_float(model: onnx.ModelProto, source: str) -> list[str]:
    """Names of the nodes that stay in float32.

    The first layer has too few input channels to gain by integers; rounding errors of a last one, with
    no layer of weights behind it to average them, would be those of the points.
    """
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ProtofaceError(f"{source}: is quantised already; give the float32 model")
    weights = {tensor.name for tensor in model.graph.initializer}
    names = [
        node.name for node in model.graph.node if node.op_type in WEIGHTED and node.input[1] in weights
    ]
    ends, averaged = list[str](), set[str]()  # nodes, and values that a layer of weights comes behind
    for node in reversed(model.graph.node):
        if not averaged.intersection(node.output):
            ends.append(node.name)
        if node.name in names or averaged.intersection(node.output):
            averaged.update(node.input)
    kept = [*names[:1], *ends]
    if not set(names).difference(kept):
        raise ProtofaceError(
            f"{source}: has {len(names)} layers with weights; the first and the last stay in float32, "
            "so there is nothing to quantise"
        )
    return kept


def _quantize(
    before: str | os.PathLike[str], after: str | os.PathLike[str], reader: _Reader, kept: list[str]
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own, with another onnx
        quantize_static(
            before,
            after,
            reader,
            # QLinear operators are smaller, but OpenCV 5 computes something else by them
            quant_format=QuantFormat.QDQ,
            nodes_to_exclude=kept,
            per_channel=True,
            # weights of 7 bits: a CPU without VNNI adds two products in 16 bits, which 8 would overflow
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # OpenCV 5 cannot run int32 biases; ONNX Runtime from 1.21 on makes them itself
            extra_options={"QuantizeBias": False},
        )


def quantised_layers(model: onnx.ModelProto) -> tuple[int, int]:
    """How many layers of a model have int8 weights, and how many have weights."""
    integers = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    weights = {tensor.name for tensor in model.graph.initializer}
    seconds = [node.input[1] for node in model.graph.node if node.op_type in WEIGHTED]
    return len(integers.intersection(seconds)), len((integers | weights).intersection(seconds))
