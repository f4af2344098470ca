"""The Deep Alignment Network: a net for each stage, all of them as one net, and the cascade of them.

Source: Kowalski, Naruniec, Trzcinski, "Deep alignment network: a convolutional neural network for
robust face alignment", CVPRW 2017. A later stage sees the face moved to where a mean face lies, a heat
map of the points so far, and a feature of the stage before; it answers by how many pixels the points
are off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from protoface.converters import ProtofaceError, caffe_pb2

from .blocks import Layer, batch_norm, conv_bn, in_place, inner_product, relu, step
from .mobilenet import Block, inverted_residual
from .size import Size


@dataclass(frozen=True)
class Plain:
    """Some 3x3 convolutions of `out` channels, then the maximum of 2 x 2."""

    out: int
    count: int


@dataclass(frozen=True)
class Residual:
    """A 3x3 convolution of stride 2, then blocks of two 3x3 convolutions with a shortcut."""

    out: int
    inside: int
    blocks: int


Row = Plain | Block | Residual


@dataclass(frozen=True)
class Table:
    """A stage: channels of the stem (3x3, stride 2; 0: none), rows, units of the hidden layer.

    The feature is the hidden layer. The next stage makes a picture of it by a fully connected layer,
    `enlarged` times smaller than the input. `half_size` is that of the heat map, pixels.
    """

    stem: int
    rows: tuple[Row, ...]
    hidden: int
    dropout: float
    enlarged: int
    half_size: int


TABLES = {
    "dan": Table(0, (Plain(64, 2), Plain(128, 2), Plain(256, 2), Plain(512, 2)), 256, 0.5, 2, 8),
    "dan_mobile": Table(
        16,
        (
            Block("conv1_1", 4, 24, 2),
            Block("conv1_2", 4, 24, 1),
            Block("conv2_1", 4, 40, 2),
            Block("conv2_2", 4, 40, 1),
            Block("conv3_1", 4, 80, 2),
            Block("conv3_2", 4, 80, 1),
        ),
        128,
        0.2,
        4,
        8,
    ),
    "dan_dense": Table(
        16, (Residual(32, 32, 1), Residual(64, 64, 1), Residual(96, 64, 1)), 128, 0.2, 4, 8
    ),
}
#: What the article has, where nothing else is asked for: pixels, points, stages.
PIXELS, POINTS, STAGES = 112, 68, 2


def stage_name(number: int) -> str:
    """Of stage 1, 2, ...; the front of the names of its layers, in its own net and in the whole one."""
    return f"stage_{number}"


def stage_net(size: Size, number: int, last: bool) -> caffe_pb2.NetParameter:
    """The net of a stage: `offsets` (n, 2 points) pixels out; not the `last` one's: `fc1`, its feature.

    In: `data` (n, 1, h, w); from the second stage on `heatmap` (n, 1, h, w) and `feature`, (n, hidden,
    1, 1) since OpenCV 4 does not join inputs of four axes with what it makes of one that has two.
    """
    table = table_of(size)
    plane = [1, 1, size.pixels, size.pixels]
    entries = {"data": plane}
    if number > 1:
        entries |= {"heatmap": plane, "feature": [1, hidden(table, size), 1, 1]}
    layers = [_entry(name, shape) for name, shape in entries.items()]
    layers += _named(_body(table, size, number > 1, last), f"{stage_name(number)}/", None)
    return caffe_pb2.NetParameter(name=stage_name(number), layer=layers)


def whole_net(size: Size, shape: Sequence[float], stages: int) -> caffe_pb2.NetParameter:
    """All stages in one net: `data` (n, 1, h, w) in, `points` (n, 2 points) out, pixels of that.

    `shape` are the pixels x1 y1 x2 y2 ... of a mean face, where the first stage begins. Layers have the
    names that they have in the stages' own nets, so that weights of those load.
    """
    layers = [_entry("data", [1, 1, size.pixels, size.pixels])]
    table = table_of(size)
    for number in range(1, stages + 1):
        name, last = f"{stage_name(number)}/", number == stages
        seen = {"data": "data"}
        if number > 1:
            before = stage_name(number - 1)
            layers += _connection(name, f"{before}/points", table, size, shape)
            seen = {"data": f"{name}warped", "heatmap": f"{name}heatmap", "feature": f"{before}/fc1"}
        layers += _named(_body(table, size, number > 1, last), name, seen)
        layers += _placed(name, shape, number > 1, "points" if last else f"{name}points")
    return caffe_pb2.NetParameter(name=size.net, layer=layers)


def table_of(size: Size) -> Table:
    """The table of `size.net`. Raises ProtofaceError for a size that its halvings do not divide."""
    table = TABLES[size.net]
    halvings = 2 ** ((table.stem > 0) + sum(_halves(row) for row in table.rows))
    if size.pixels % halvings:
        raise ProtofaceError(f"size {size.pixels}: must be a multiple of {halvings} for {size.net}")
    if size.patches:
        raise ProtofaceError(f"{size.net} looks at faces as a whole; leave out --patches")
    return table


def hidden(table: Table, size: Size) -> int:
    """Units of the hidden layer, which is the feature."""
    return max(16, int(table.hidden * size.width))


def _halves(row: Row) -> bool:
    return row.stride == 2 if isinstance(row, Block) else True


def _entry(name: str, shape: Sequence[int]) -> Layer:
    return Layer(name=name, type="Input", top=[name], input_param={"shape": [{"dim": shape}]})


def _named(layers: Iterator[Layer], prefix: str, blobs: Mapping[str, str] | None) -> Iterator[Layer]:
    """Layers with a prefix to their names; to blobs too, but for those that `blobs` gives a name."""
    for layer in list(layers):  # all of them first: they are made of each other
        layer.name = prefix + layer.name
        if blobs is not None:
            layer.bottom[:] = [blobs.get(blob, prefix + blob) for blob in layer.bottom]
            layer.top[:] = [prefix + blob for blob in layer.top]
        yield layer


def _body(table: Table, size: Size, later: bool, last: bool) -> Iterator[Layer]:
    """From `data` to `offsets`; a `later` stage's also from `heatmap` and `feature`."""
    bottom = "data"
    if later:
        yield from _inputs(table, size)
        bottom = "inputs_new"
    layers = list(_trunk(table, size, bottom))
    yield from layers
    bottom = layers[-1].top[0]
    if table.dropout:
        options = {"dropout_ratio": table.dropout}
        yield step("drop", "Dropout", bottom, dropout_param=options)
        bottom = "drop"
    yield from _hidden(table, size, bottom)
    answer = "fc1_new"
    if not last:
        yield Layer(name="fc1_split", type="Split", bottom=[answer], top=["fc1_answer", "fc1"])
        answer = "fc1_answer"
    yield inner_product("offsets", answer, 2 * size.points)


def _inputs(table: Table, size: Size) -> Iterator[Layer]:
    """Picture, heat map and the feature as a picture, on one scale: `inputs_new`."""
    side = size.pixels // table.enlarged
    yield inner_product("feature_fc", "feature", side * side)
    yield relu("feature_relu", "feature_fc")
    shape = {"shape": {"dim": [0, 1, side, side]}}
    yield step("feature_map", "Reshape", "feature_fc", reshape_param=shape)
    scale = {"scale": table.enlarged}
    yield step("feature_large", "Upsample", "feature_map", upsample_param=scale)
    bottoms = ["data", "heatmap", "feature_large"]
    yield Layer(name="inputs", type="Concat", bottom=bottoms, top=["inputs_new"])
    yield from batch_norm("inputs")


def _trunk(table: Table, size: Size, bottom: str) -> Iterator[Layer]:
    channels = 0
    if table.stem:
        channels = size.channels(table.stem)
        yield from _conv_relu("stem", bottom, channels, stride=2)
        bottom = "stem_new"
    for number, row in enumerate(table.rows, 1):
        layers = list(_row(row, f"conv{number}", bottom, channels, size))
        yield from layers
        bottom, channels = layers[-1].top[0], size.channels(row.out)


def _row(row: Row, name: str, bottom: str, channels: int, size: Size) -> Iterator[Layer]:
    out = size.channels(row.out)
    if isinstance(row, Block):
        yield from inverted_residual(row, bottom, channels, out)
    elif isinstance(row, Plain):
        for index in range(1, row.count + 1):
            yield from _conv_relu(f"{name}_{index}", bottom, out)
            bottom = f"{name}_{index}_new"
        yield step(
            name, "Pooling", bottom, pooling_param={"pool": "MAX", "kernel_size": 2, "stride": 2}
        )
    else:
        yield from _residual(row, name, bottom, out, size)


def _residual(row: Residual, name: str, bottom: str, out: int, size: Size) -> Iterator[Layer]:
    yield from _conv_relu(f"{name}/down", bottom, out, stride=2)
    bottom = f"{name}/down_new"
    for index in range(1, row.blocks + 1):
        block = f"{name}/block{index}"
        yield from _conv_relu(f"{block}/in", bottom, size.channels(row.inside))
        yield from conv_bn(f"{block}/out", f"{block}/in_new", out, kernel=3, stem=True)
        yield step(block, "Eltwise", bottom, f"{block}/out_new", eltwise_param={"operation": "SUM"})
        yield relu(f"{block}/relu", block)
        bottom = block


def _conv_relu(name: str, bottom: str, out: int, stride: int = 1) -> Iterator[Layer]:
    """Convolution, BatchNorm, Scale, ReLU; first weights by Glorot's rule for ReLU, as published."""
    layers = list(conv_bn(name, bottom, out, 3, stride, stem=True))
    filler = layers[0].convolution_param.weight_filler
    filler.variance_norm = caffe_pb2.FillerParameter.AVERAGE
    yield from layers
    yield relu(f"{name}/relu", f"{name}_new")


def _hidden(table: Table, size: Size, bottom: str) -> Iterator[Layer]:
    """The hidden layer, normalised: `fc1_new`."""
    options = caffe_pb2.InnerProductParameter(
        num_output=hidden(table, size),
        bias_term=False,
        weight_filler={"type": "msra", "variance_norm": "AVERAGE"},
    )
    yield step("fc1_new", "InnerProduct", bottom, inner_product_param=options)
    yield from batch_norm("fc1")
    yield in_place("fc1/relu", "ReLU", "fc1_new")


def _connection(
    name: str, before: str, table: Table, size: Size, shape: Sequence[float]
) -> Iterator[Layer]:
    """What a later stage sees of the points before: the face moved to the mean shape, the heat map."""
    similarity, moved = f"{name}fit", f"{name}moved"
    yield step(similarity, "SimilarityFit", before, similarity_fit_param={"shape": shape})
    yield step(f"{name}warped", "SimilarityWarp", "data", similarity)
    yield step(moved, "ShapeTransform", before, similarity)
    options = {"height": size.pixels, "width": size.pixels}
    if table.half_size != caffe_pb2.ShapeHeatmapParameter().half_size:
        options["half_size"] = table.half_size
    yield step(f"{name}heatmap", "ShapeHeatmap", moved, shape_heatmap_param=options)


def _placed(name: str, shape: Sequence[float], later: bool, points: str) -> Iterator[Layer]:
    """The points in `data`, as the stage's offsets say."""
    offsets = f"{name}offsets"
    if not later:
        yield step(points, "MeanShape", offsets, mean_shape_param={"shape": shape})
        return
    found = f"{name}found"
    sum_up = {"operation": "SUM"}
    yield step(found, "Eltwise", f"{name}moved", offsets, eltwise_param=sum_up)
    back = {"inverse": True}
    yield step(points, "ShapeTransform", found, f"{name}fit", shape_transform_param=back)
