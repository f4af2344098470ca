"""The cascaded MobileNet-V2: one table of blocks and one loop. The variants are tables of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .blocks import Layer, attention, conv_bn, depthwise_bn, fully_connected, relu, step
from .size import Size


@dataclass(frozen=True)
class Block:
    """An inverted residual block: 1x1 expansion, 3x3 depthwise, 1x1 projection.

    A block of stride 1 that keeps its width has a shortcut.
    """

    name: str
    expansion: int  # t: channels inside the block / channels in
    out: int
    stride: int


@dataclass(frozen=True)
class Table:
    """A net: channels of the stem (3x3, stride 2), the blocks, units of the hidden layer.

    Without a hidden layer it ends in `attention`.
    """

    stem: int
    blocks: tuple[Block, ...]
    hidden: int | None


ORIGINAL = Table(
    16,
    (
        Block("conv1_1", 6, 24, 2),
        Block("conv1_2", 6, 24, 1),
        Block("conv2_1", 6, 32, 2),
        Block("conv2_2", 6, 32, 1),
        Block("conv3_1", 6, 64, 2),
        # The article's table says 6, its weights do not.
        Block("conv3_2", 3, 64, 1),
    ),
    256,
)


def mobilenet(table: Table, size: Size) -> Iterator[Layer]:
    """The layers after `data`, to the points; both phases alike."""
    channels = size.channels(table.stem)
    yield from conv_bn("conv1", "data", channels, kernel=3, stride=2, stem=True)
    yield relu("relu1_new", "conv1_new")
    bottom = "conv1_new"
    for block in table.blocks:
        out = size.channels(block.out)
        layers = list(inverted_residual(block, bottom, channels, out))
        yield from layers
        bottom, channels = layers[-1].top[0], out
    if table.hidden is None:
        yield from attention(bottom, 2 * size.points)
    else:
        yield from fully_connected(bottom, max(16, int(table.hidden * size.width)), 2 * size.points)


def inverted_residual(block: Block, bottom: str, channels: int, out: int) -> Iterator[Layer]:
    """The layers of a block that makes `out` channels of the `channels` of `bottom`."""
    name, inside = block.name, channels * block.expansion
    number = name.removeprefix("conv")
    yield from conv_bn(f"{name}/in/pw", bottom, inside)
    yield relu(f"relu{number}/in/pw_new", f"{name}/in/pw_new")
    yield from depthwise_bn(f"{name}/dw", f"{name}/in/pw_new", inside, block.stride)
    yield relu(f"relu{number}/dw_new", f"{name}/dw_new")
    yield from conv_bn(f"{name}/out/pw", f"{name}/dw_new", out)
    if block.stride == 1 and channels == out:
        fuse, made = f"fuse_{name}", f"{name}/out/pw_new"
        yield step(fuse, "Eltwise", bottom, made, eltwise_param={"operation": "SUM"})
