"""Operators that only move values: Flatten, Reshape, Transpose, Concat, Split, Slice, Identity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx

from ..blobs import Shape
from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode
from .registration import operator

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)


@operator("Identity", "Dropout", "Cast")
def identity(graph: CaffeGraph, node: OnnxNode) -> None:
    """Nothing at all: the value goes under another name."""
    if node.operator == "Cast" and node.integer("to", 0) not in FLOATS:
        graph.whole[node.output] = graph.blob(node)
        return
    if len([name for name in node.outputs if name]) > 1:
        node.fail("its second output, the mask, cannot be expressed")
    graph.same(node, graph.blob(node))


@operator("Flatten")
def flatten(graph: CaffeGraph, node: OnnxNode) -> None:
    """Two axes, split at `axis`."""
    shape = graph.shape(node)
    axis = node.integer("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    reshaped(graph, node, graph.blob(node), (math.prod(shape[:axis]), math.prod(shape[axis:])))


@operator("Reshape")
def reshape(graph: CaffeGraph, node: OnnxNode) -> None:
    """A new shape, which may take over axes (0) and leave one open (-1)."""
    shape, target = graph.shape(node), graph.integers(node, 1)
    if any(size < -1 for size in target) or target.count(-1) > 1:
        node.fail(f"the shape {target} makes no sense")
    if node.integer("allowzero", 0) == 0:
        if any(size == 0 and axis >= len(shape) for axis, size in enumerate(target)):
            node.fail(f"the shape {target} keeps an axis that {list(shape)} does not have")
        target = [shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    known = math.prod(size for size in target if size != -1)
    if known < 1 or math.prod(shape) % known:
        node.fail(f"{list(shape)} cannot be given the shape {target}")
    reshaped(
        graph,
        node,
        graph.blob(node),
        tuple(math.prod(shape) // known if s == -1 else s for s in target),
    )


@operator("Squeeze")
def squeeze(graph: CaffeGraph, node: OnnxNode) -> None:
    """Leaves out axes of size 1."""
    shape = graph.shape(node)
    axes = graph.integers(node, 1) if node.has_input(1) else node.integers("axes")
    if axes is None:
        axes = [axis for axis, size in enumerate(shape) if size == 1]
    gone = {axis % max(len(shape), 1) for axis in axes}
    reshaped(
        graph,
        node,
        graph.blob(node),
        tuple(size for axis, size in enumerate(shape) if axis not in gone),
    )


@operator("Unsqueeze")
def unsqueeze(graph: CaffeGraph, node: OnnxNode) -> None:
    """Puts in axes of size 1."""
    shape = graph.shape(node)
    axes = graph.integers(node, 1) if node.has_input(1) else node.integers("axes") or []
    rank = len(shape) + len(axes)
    added = {axis % max(rank, 1) for axis in axes}
    if rank > 8 or len(added) != len(axes):
        node.fail(f"axes {axes} do not fit {list(shape)}")
    sizes = iter(shape)
    reshaped(
        graph,
        node,
        graph.blob(node),
        tuple(1 if axis in added else next(sizes) for axis in range(rank)),
    )


def reshaped(graph: CaffeGraph, node: OnnxNode, blob: str, target: Shape) -> None:
    """The node's output is `blob` as `target`: by Flatten where that is all that happens, else Reshape.

    The batch size stays free if it can.
    """
    shape = graph.shape_of(blob)
    if math.prod(shape) != math.prod(target):
        node.fail(f"{list(shape)} cannot be given the shape {list(target)}")
    if shape == target:
        graph.same(node, blob)
        return
    merged = _merged(shape, target)
    if merged is not None:
        options = {"axis": merged[0], "end_axis": merged[1]}
        graph.layer(node, "Flatten", [blob], {"flatten_param": options})
        return
    # What is left is the number of pictures, whether they are kept, merged or split; 0 for "as it was"
    # would say the same, but OpenCV 5 misreads that behind another Reshape.
    dims = [-1, *target[1:]]
    graph.layer(node, "Reshape", [blob], {"reshape_param": {"shape": {"dim": dims}}})


def _merged(shape: Shape, target: Shape) -> tuple[int, int] | None:
    """First and last of the axes that `target` has as one; None if it is no such shape."""
    for start in range(min(1, len(shape)), len(target)):  # never the batch
        end = start + len(shape) - len(target)
        if end <= start or shape[:start] != target[:start]:
            continue
        if shape[end + 1 :] == target[start + 1 :]:
            return start, end
    return None


@operator("Transpose")
def transpose(graph: CaffeGraph, node: OnnxNode) -> None:
    """Permute."""
    rank = len(graph.shape(node))
    order = node.integers("perm") or list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        node.fail(f"perm {order} is no order of {rank} axes")
    graph.layer(node, "Permute", [graph.blob(node)], {"permute_param": {"order": order}})


@operator("Concat")
def concat(graph: CaffeGraph, node: OnnxNode) -> None:
    """Concat."""
    bottoms = [graph.blob(node, index) for index in range(len(node.inputs))]
    if len(bottoms) == 1:
        graph.same(node, bottoms[0])
        return
    options = {"concat_param": {"axis": node.integer("axis", 0)}}
    graph.layer(node, "Concat", bottoms, options)


@operator("Tile")
def tile(graph: CaffeGraph, node: OnnxNode) -> None:
    """Tile, one layer for each axis that is repeated."""
    repeats = graph.integers(node, 1)
    if len(repeats) != len(graph.shape(node)) or min(repeats, default=1) < 1:
        node.fail(f"repeats {repeats} do not fit {list(graph.shape(node))}")
    axes = [axis for axis, count in enumerate(repeats) if count > 1]
    blob = graph.blob(node)
    for axis in axes:
        options = {"tile_param": {"axis": axis, "tiles": repeats[axis]}}
        inner = "" if axis == axes[-1] else f"axis_{axis}"
        blob = graph.layer(node, "Tile", [blob], options, inner=inner)
    if not axes:
        graph.same(node, blob)


@operator("Split")
def split(graph: CaffeGraph, node: OnnxNode) -> None:
    """Slice."""
    shape = graph.shape(node)
    axis = node.integer("axis", 0) % max(len(shape), 1)
    sizes = graph.integers(node, 1) if node.has_input(1) else node.integers("split")
    if sizes is None:
        part = -(-shape[axis] // len(node.outputs))
        sizes = [part] * (len(node.outputs) - 1)
        sizes.append(shape[axis] - sum(sizes))
    if len(sizes) != len(node.outputs) or sum(sizes) != shape[axis] or min(sizes) < 1:
        node.fail(f"parts {sizes} do not fit axis {axis} of {list(shape)}")
    if len(sizes) == 1:
        graph.same(node, graph.blob(node))
        return
    points = [sum(sizes[: index + 1]) for index in range(len(sizes) - 1)]
    options = {"slice_param": {"axis": axis, "slice_point": points}}
    graph.layers(node, "Slice", [graph.blob(node)], node.outputs, options)


@operator("Slice")
def slice_(graph: CaffeGraph, node: OnnxNode) -> None:
    """Slice along each axis that is shortened; the parts beside it are not read."""
    shape = graph.shape(node)
    starts, ends, axes, steps = _bounds(graph, node)
    if any(step != 1 for step in steps):
        node.fail(f"steps {steps} cannot be expressed in Caffe")
    cuts: dict[int, tuple[int, int]] = {}
    for axis, start, end in zip(axes, starts, ends, strict=True):
        size = shape[axis % len(shape)]
        first, last, _ = slice(start, end).indices(size)
        if (first, last) != (0, size):
            cuts[axis % len(shape)] = (first, last)
    blob = graph.blob(node)
    for index, (axis, (first, last)) in enumerate(cuts.items()):
        inner = "" if index == len(cuts) - 1 else f"axis_{axis}"
        blob = part(graph, node, blob, axis, first, last, inner)
    if not cuts:
        graph.same(node, blob)


def part(
    graph: CaffeGraph, node: OnnxNode, blob: str, axis: int, first: int, last: int, inner: str
) -> str:
    """Append a Slice that makes the node's output, or a blob called `inner`, of one part of an axis."""
    size = graph.shape_of(blob)[axis]
    if not 0 <= first < last <= size:
        node.fail(f"takes nothing of axis {axis}")
    points = [point for point in (first, last) if 0 < point < size]
    top = graph.fresh(f"{node.output}/{inner}") if inner else node.output
    tops = [top]
    if first:
        tops = [graph.fresh(f"{top}/before"), top]
    if last < size:
        tops.append(graph.fresh(f"{top}/behind"))
    options = {"slice_param": {"axis": axis, "slice_point": points}}
    graph.layers(node, "Slice", [blob], tops, options)
    return top


def _bounds(
    graph: CaffeGraph, node: OnnxNode
) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]:
    """Starts, ends, axes, steps: attributes up to opset 9, inputs from 10 on."""
    if node.opset < 10:
        starts, ends = node.integers("starts") or [], node.integers("ends") or []
        axes, steps = node.integers("axes") or list(range(len(starts))), [1] * len(starts)
    else:
        starts, ends = graph.integers(node, 1), graph.integers(node, 2)
        axes = graph.integers(node, 3) if node.has_input(3) else list(range(len(starts)))
        steps = graph.integers(node, 4) if node.has_input(4) else [1] * len(starts)
    rank = len(graph.shape(node))
    if not len(starts) == len(ends) == len(axes) == len(steps) or any(
        not -rank <= axis < rank for axis in axes
    ):
        node.fail(f"starts {starts}, ends {ends}, axes {axes} do not belong together")
    return starts, ends, axes, steps
