"""Writes the nets and solvers of the cascaded MobileNet-V2 from one table of blocks.

    python -m protoface.prototxt.generate                   # the committed level_1/ and level_2/
    python -m protoface.prototxt.generate --out nets/small --net small --size 24 --points 68
    python -m protoface.prototxt.generate --out nets/fast --net small --size 24 --deploy level_1

Names, fillers and multipliers are those of the nets inside the published weights, which load by name
into the net `original`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from protoface.converters import caffe_pb2
from protoface.converters.files import write_text
from protoface.converters.prototxt import to_text

Layer = caffe_pb2.LayerParameter
FOLDER = Path(__file__).parent
MEAN = 127.5


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


TABLES = {
    "original": Table(
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
    ),
    # For inputs of half the size: the first block keeps its resolution, so 24 pixels end in 3 x 3.
    "small": Table(
        16,
        (
            Block("conv1_1", 4, 24, 1),
            Block("conv1_2", 4, 24, 1),
            Block("conv2_1", 4, 32, 2),
            Block("conv2_2", 4, 32, 1),
            Block("conv3_1", 4, 64, 2),
            Block("conv3_2", 4, 64, 1),
        ),
        128,
    ),
    # For faces of any size anywhere: the last map has 6 x 6 places, not 3 x 3, and no layer that would
    # have to learn each place of a face by itself.
    "finder": Table(
        16,
        (
            Block("conv1_1", 4, 24, 2),
            Block("conv1_2", 4, 24, 1),
            Block("conv2_1", 4, 32, 2),
            Block("conv2_2", 4, 32, 1),
            Block("conv3_1", 4, 64, 1),
            Block("conv3_2", 4, 64, 1),
        ),
        None,
    ),
}


# The levels share one net; only their pictures and the length of their training differ.
ITERATIONS = {"level_1": 200_000, "level_2": 120_000}


@dataclass(frozen=True)
class Size:
    """What can be varied: input height and width in pixels, channel multiplier, number of points.

    `net` is a key of TABLES. With `patches` the input has 3 channels for each point, those of a patch
    around it.
    """

    pixels: int = 48
    width: float = 1.0
    points: int = 5
    net: str = "original"
    patches: bool = False

    @property
    def input_channels(self) -> int:
        """Colour planes that the net looks at."""
        return 3 * self.points if self.patches else 3

    def channels(self, count: int) -> int:
        """`count` times the width, to a multiple of 8, at least 8 and never a tenth too few.

        Source: MobileNet-V2's code, `_make_divisible`.
        """
        wanted = count * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded if rounded >= 0.9 * wanted else rounded + 8


def body(size: Size) -> Iterator[Layer]:
    """The layers after `data`, to the points; both phases alike."""
    table = TABLES[size.net]
    channels = size.channels(table.stem)
    yield from conv_bn("conv1", "data", channels, kernel=3, stride=2, stem=True)
    yield relu("relu1_new", "conv1_new")
    bottom = "conv1_new"
    for block in table.blocks:
        inside, out = channels * block.expansion, size.channels(block.out)
        number = block.name.removeprefix("conv")
        yield from conv_bn(f"{block.name}/in/pw", bottom, inside)
        yield relu(f"relu{number}/in/pw_new", f"{block.name}/in/pw_new")
        yield from depthwise_bn(f"{block.name}/dw", f"{block.name}/in/pw_new", inside, block.stride)
        yield relu(f"relu{number}/dw_new", f"{block.name}/dw_new")
        yield from conv_bn(f"{block.name}/out/pw", f"{block.name}/dw_new", out)
        result = f"{block.name}/out/pw_new"
        if block.stride == 1 and channels == out:
            fuse = f"fuse_{block.name}"
            yield step(fuse, "Eltwise", bottom, result, eltwise_param={"operation": "SUM"})
            result = fuse
        bottom, channels = result, out
    if table.hidden is None:
        yield from attention(bottom, 2 * size.points)
    else:
        yield from fully_connected(bottom, max(16, int(table.hidden * size.width)), 2 * size.points)


def fully_connected(bottom: str, hidden: int, out: int) -> Iterator[Layer]:
    """The original's end: a hidden layer, Dropout, `fc2`."""
    yield inner_product("fc1", bottom, hidden)
    yield relu("relu_fc1", "fc1")
    yield in_place("drop_fc1", "Dropout", "fc1", dropout_param={"dropout_ratio": 0.3})
    yield inner_product("fc2", "fc1", out)


def attention(bottom: str, out: int) -> Iterator[Layer]:
    """Every place of a map answers, and a softmax over the places weighs the answers: `points`.

    An answer is what the place sees (`offset`) plus where it lies, which `place` learns. Both sides of
    the product are out x places.
    """
    flat = caffe_pb2.ReshapeParameter(shape={"dim": [0, out, -1]})
    answer = caffe_pb2.ConvolutionParameter(
        num_output=out, kernel_size=[1], weight_filler={"type": "gaussian", "std": 0.01}
    )
    twice = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 0}]
    for name in ("score", "offset"):
        yield step(name, "Convolution", bottom, param=twice, convolution_param=answer)
    yield step("scores", "Reshape", "score", reshape_param=flat)
    yield step("attention", "Softmax", "scores", softmax_param={"axis": 2})
    where = {"axis": 1, "num_axes": 3}
    yield step("place", "Bias", "offset", param=[{"lr_mult": 1, "decay_mult": 0}], bias_param=where)
    yield step("answers", "Reshape", "place", reshape_param=flat)
    yield step("weighed", "Eltwise", "attention", "answers", eltwise_param={"operation": "PROD"})
    yield step("points", "Reduction", "weighed", reduction_param={"operation": "SUM", "axis": 2})


def conv_bn(
    name: str, bottom: str, out: int, kernel: int = 1, stride: int = 1, stem: bool = False
) -> Iterator[Layer]:
    """Convolution without bias, BatchNorm, Scale. The stem leaves Caffe's engine to Caffe."""
    options = caffe_pb2.ConvolutionParameter(
        num_output=out,
        bias_term=False,
        pad=[kernel // 2],
        kernel_size=[kernel],
        stride=[stride],
        weight_filler={"type": "msra"},
    )
    if not stem:
        options.engine = caffe_pb2.ConvolutionParameter.CAFFE
    yield convolution("Convolution", f"{name}_new", bottom, options, decay=1)
    yield from batch_norm(name)


def depthwise_bn(name: str, bottom: str, channels: int, stride: int) -> Iterator[Layer]:
    """The original's depthwise layer, which is not decayed, then BatchNorm and Scale."""
    options = caffe_pb2.ConvolutionParameter(
        num_output=channels,
        bias_term=False,
        pad=[1],
        kernel_size=[3],
        stride=[stride],
        weight_filler={"type": "msra"},
        engine="CAFFE",
    )
    yield convolution("ConvolutionDepthwise", f"{name}_new", bottom, options, decay=0)
    yield from batch_norm(name)


def convolution(
    kind: str, name: str, bottom: str, options: caffe_pb2.ConvolutionParameter, decay: float
) -> Layer:
    """A convolution of either kind."""
    param = [{"lr_mult": 1, "decay_mult": decay}]
    return step(name, kind, bottom, param=param, convolution_param=options)


def batch_norm(name: str) -> Iterator[Layer]:
    """BatchNorm (three statistics that no solver moves) and Scale, in place on `<name>_new`."""
    blob = f"{name}_new"
    frozen = [{"lr_mult": 0, "decay_mult": 0}] * 3
    yield in_place(f"{name}/bn_new", "BatchNorm", blob, param=frozen)
    scale = caffe_pb2.ScaleParameter(filler={"value": 1}, bias_term=True, bias_filler={"value": 0})
    yield in_place(f"{name}/scale_new", "Scale", blob, scale_param=scale)


def relu(name: str, blob: str) -> Layer:
    """ReLU in place, not ReLU6."""
    return in_place(name, "ReLU", blob)


def step(name: str, kind: str, *bottoms: str, **options: Any) -> Layer:
    """A layer whose top has its name; `options` are fields of LayerParameter."""
    return Layer(name=name, type=kind, bottom=bottoms, top=[name], **options)


def in_place(name: str, kind: str, blob: str, **options: Any) -> Layer:
    """A layer that reads and writes `blob`; `options` are fields of LayerParameter."""
    return Layer(name=name, type=kind, bottom=[blob], top=[blob], **options)


def inner_product(name: str, bottom: str, out: int) -> Layer:
    """A fully connected layer; its bias learns twice as fast, by Caffe's custom."""
    options = caffe_pb2.InnerProductParameter(
        num_output=out,
        weight_filler={"type": "gaussian", "std": 0.01},
        bias_filler={"type": "constant", "value": 0},
    )
    param = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 1}]
    return step(name, "InnerProduct", bottom, param=param, inner_product_param=options)


def image_data(folder: str, size: Size, phase: str, split: str) -> Layer:
    """The list `<folder>/<split>.txt` of names and labels, pictures in `<folder>/<split>/`."""
    return Layer(
        name="data",
        type="ImageData",
        top=["data", "label"],
        include=[{"phase": phase}],
        transform_param={"mirror": False, "mean_value": [MEAN] * 3},
        image_data_param={
            "source": f"{folder}/{split}.txt",
            "root_folder": f"{folder}/{split}/",
            "batch_size": 128,
            "shuffle": True,
            "is_color": True,
            "new_height": size.pixels,
            "new_width": size.pixels,
        },
    )


def train_val_net(name: str, size: Size) -> caffe_pb2.NetParameter:
    """The net as it is trained and tested. The original names both levels' nets `level_1`."""
    layers = list(body(size))
    answer = layers[-1].top[0]
    loss = Layer(
        name="loss", type="EuclideanLoss", bottom=[answer, "label"], top=["loss"], loss_weight=[100]
    )
    data = [
        image_data(f"data/{name}", size, "TRAIN", "train"),
        image_data(f"data/{name}", size, "TEST", "test"),
    ]
    return caffe_pb2.NetParameter(name=name, layer=[*data, *layers, loss])


def deploy_net(name: str, size: Size) -> caffe_pb2.NetParameter:
    """The net as it is used: pictures in by `data`, points out of its last layer."""
    shape = {"dim": [1, size.input_channels, size.pixels, size.pixels]}
    entry = Layer(name="data", type="Input", top=["data"], input_param={"shape": [shape]})
    return caffe_pb2.NetParameter(name=name, layer=[entry, *body(size)])


def solver(name: str, folder: str, iterations: int) -> caffe_pb2.SolverParameter:
    """The original's solver. Paths are relative to the working directory, as in Caffe."""
    return caffe_pb2.SolverParameter(
        net=f"{folder}/train_val.prototxt",
        test_iter=[160],
        test_interval=1250,
        base_lr=0.001,
        momentum=0.9,
        weight_decay=0.0004,
        type="Adam",
        lr_policy="multistep",
        gamma=0.1,
        stepvalue=[80_000, 100_000],
        display=1000,
        max_iter=iterations,
        snapshot=50_000,
        snapshot_prefix=f"snapshots/{name}",
        solver_mode="GPU",
    )


def head(name: str, size: Size, options: str = "") -> str:
    """The comment above a file: the command that writes it."""
    names = {"pixels": "--size", "patches": "--patches"}
    varied = "".join(
        f" {names.get(field.name, '--' + field.name)}" + ("" if value is True else f" {value}")
        for field in fields(Size)
        if (value := getattr(size, field.name)) != field.default
    )
    return f"# {name}, written by: python -m protoface.prototxt.generate{varied}{options}\n"


def deploy_file(name: str, size: Size) -> dict[str, str]:
    """File name -> text of a net that a recipe trains, which needs no other file."""
    net = deploy_net(name, size)
    for layer in net.layer:
        if layer.type == "ConvolutionDepthwise":
            # BatchNorm undoes the smaller values, but AdamW's steps, which are as long for all weights,
            # turn small kernels faster.
            layer.convolution_param.weight_filler.variance_norm = caffe_pb2.FillerParameter.FAN_OUT
    return {"deploy.prototxt": head(name, size, f" --deploy {name}") + to_text(net)}


def files(name: str, folder: str, size: Size, iterations: int) -> dict[str, str]:
    """File name -> text of the three files of one level; `folder` is where the solver finds the net."""
    note = (
        "# The original trained on two GPUs, 2 x 128 pictures an iteration. On one device\n"
        "# `iter_size: 2` does the same, except that BatchNorm's statistics move twice.\n"
    )
    return {
        "train_val.prototxt": head(name, size) + to_text(train_val_net(name, size)),
        "deploy.prototxt": head(name, size) + to_text(deploy_net(name, size)),
        "solver.prototxt": head(name, size) + note + to_text(solver(name, folder, iterations)),
    }


@click.command(help="Write train_val, deploy and solver.prototxt of both levels.")
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER, show_default="prototxt/")
@click.option("--net", type=click.Choice(list(TABLES)), default="original", show_default=True)
@click.option("--size", "pixels", type=click.IntRange(min=16), default=48, show_default=True)
@click.option("--width", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--points", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--patches", is_flag=True, help="3 input channels for each point; with --deploy.")
@click.option("--level", "levels", type=click.Choice(list(ITERATIONS)), multiple=True)
@click.option(
    "--deploy", multiple=True, metavar="NAME", help="Only NAME/deploy.prototxt, for a recipe."
)
def main(
    out: Path,
    net: str,
    pixels: int,
    width: float,
    points: int,
    patches: bool,
    levels: Sequence[str],
    deploy: Sequence[str],
) -> None:
    """Write the files; see the module."""
    if patches and not deploy:
        raise click.UsageError("--patches needs --deploy: ImageData has no patches to train on")
    size = Size(pixels, width, points, net, patches)
    written = {name: deploy_file(name, size) for name in deploy}
    for name in () if deploy else levels or ITERATIONS:
        folder = f"{'prototxt' if out == FOLDER else out.as_posix()}/{name}"
        written[name] = files(name, folder, size, ITERATIONS[name])
    for name, texts in written.items():
        for file, text in texts.items():
            write_text(out / name / file, text)
            click.echo(out / name / file)


if __name__ == "__main__":
    main()
