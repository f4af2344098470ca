"""The net that finds faces: maps of scores, boxes and points at three strides."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from protoface.converters import ProtofaceError, caffe_pb2

from .blocks import Layer, conv_bn, relu, step
from .size import Size

#: The score of every place and the sides of every box, in strides, before training: most places show no
#: face, and a net that begins by saying so is not occupied with saying so at first.
FIRST_SCORE, FIRST_SIDE = 0.01, 1.5


@dataclass(frozen=True)
class Level:
    """A 3x3 convolution of stride 2, and residual blocks of two 3x3 convolutions behind it."""

    stride: int  # of its places in the picture, pixels
    out: int
    inside: int = 0  # channels between the two convolutions of a block
    blocks: int = 0


@dataclass(frozen=True)
class Maps:
    """A net: channels of the stem (3x3, stride 2), levels, channels of the way back and the heads."""

    stem: int
    levels: tuple[Level, ...]
    neck: int


#: Channels are multiples of 16, which vector units of 512 bits handle together. Most of the work is at
#: strides 4 and 8: that is where small faces are told apart.
FACE_MAPS = Maps(
    16, (Level(4, 32), Level(8, 48, 32, 1), Level(16, 96, 48, 1), Level(32, 96, 48, 1)), 32
)
#: Strides of the maps.
HEADS = (8, 16, 32)


def face_maps(table: Maps, size: Size) -> Iterator[Layer]:
    """The layers after `data`; outputs `score_s`, `box_s` and `points_s` for s in HEADS.

    A score is 0 .. 1. A box is left, top, right, bottom from the place's centre, in strides, above 0;
    points are x1 y1 x2 y2 ... The input's sides are multiples of the last stride; else ProtofaceError.
    """
    if size.pixels % HEADS[-1]:
        raise ProtofaceError(f"size {size.pixels}: must be a multiple of {HEADS[-1]} for face_maps")
    yield from _conv_relu("stem", "data", size.channels(table.stem), stride=2)
    bottom, tops = "stem_new", {}
    for level in table.levels:
        layers = list(_level(level, bottom, size))
        yield from layers
        bottom = tops[level.stride] = layers[-1].top[0]
    neck, above = size.channels(table.neck), None
    for stride in reversed(HEADS):
        yield from _side(f"s{stride}", tops[stride], neck, above)
        above = f"s{stride}/neck" if above else f"s{stride}/side_new"
        yield from _head(stride, above, neck, size.points)


def _level(level: Level, bottom: str, size: Size) -> Iterator[Layer]:
    name, out = f"s{level.stride}", size.channels(level.out)
    yield from _conv_relu(f"{name}/down", bottom, out, stride=2)
    bottom = f"{name}/down_new"
    for index in range(1, level.blocks + 1):
        block = f"{name}/block{index}"
        yield from _conv_relu(f"{block}/in", bottom, size.channels(level.inside))
        yield from conv_bn(f"{block}/out", f"{block}/in_new", out, kernel=3, stem=True)
        yield step(block, "Eltwise", bottom, f"{block}/out_new", eltwise_param={"operation": "SUM"})
        yield relu(f"{block}/relu", block)
        bottom = block


def _side(name: str, bottom: str, channels: int, above: str | None) -> Iterator[Layer]:
    """What a level adds to what comes back from the coarser one `above`."""
    yield from _conv_relu(f"{name}/side", bottom, channels, kernel=1)
    if above:
        yield step(f"{name}/above", "Upsample", above, upsample_param={"scale": 2})
        both = f"{name}/side_new", f"{name}/above"
        yield step(f"{name}/neck", "Eltwise", *both, eltwise_param={"operation": "SUM"})


def _head(stride: int, bottom: str, channels: int, points: int) -> Iterator[Layer]:
    name = f"s{stride}/head"
    yield from _conv_relu(name, bottom, channels)
    raw, side = f"score_{stride}/raw", f"box_{stride}/raw"
    yield _answer(raw, f"{name}_new", 1, math.log(FIRST_SCORE / (1 - FIRST_SCORE)))
    yield step(f"score_{stride}", "Sigmoid", raw)
    yield _answer(side, f"{name}_new", 4, math.log(FIRST_SIDE))
    yield step(f"box_{stride}", "Exp", side)
    yield _answer(f"points_{stride}", f"{name}_new", 2 * points, 0)


def _conv_relu(name: str, bottom: str, out: int, kernel: int = 3, stride: int = 1) -> Iterator[Layer]:
    yield from conv_bn(name, bottom, out, kernel, stride, stem=True)
    yield relu(f"{name}/relu", f"{name}_new")


def _answer(name: str, bottom: str, out: int, first: float) -> Layer:
    """A linear 1x1 convolution whose outputs begin near `first`."""
    options = caffe_pb2.ConvolutionParameter(
        num_output=out,
        kernel_size=[1],
        weight_filler={"type": "gaussian", "std": 0.01},
        bias_filler={"type": "constant", "value": round(first, 4)},
    )
    params = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 1, "decay_mult": 0}]
    return step(name, "Convolution", bottom, param=params, convolution_param=options)
