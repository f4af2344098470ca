"""The three nets of MTCNN: a table each, and the files that train and use them.

Source: Zhang, Zhang, Li, Qiao, "Joint face detection and alignment using multitask cascaded
convolutional networks", IEEE SPL 2016. Pictures are upright (x right, y down) and RGB, values
(pixel - 127.5) / 128. The published det1 to det3 see x and y exchanged; `protoface convert-mtcnn`
turns their weights. Heads have names of their own, so that weights which are not turned yet do not load
by accident.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from protoface.converters import caffe_pb2
from protoface.converters.prototxt import to_text

from .blocks import Layer, in_place, step

#: The name of the family on the command line, and the folder of its nets.
NAME = "mtcnn"


@dataclass(frozen=True)
class Conv:
    """A convolution without padding, then PReLU."""

    out: int
    kernel: int


@dataclass(frozen=True)
class Pool:
    """The maximum of kernel x kernel, stride 2, rounded up."""

    kernel: int


@dataclass(frozen=True)
class Table:
    """A net: pixels of its input, its rows, units of the hidden layer, weights of the losses.

    Without a hidden layer (0) its heads are 1 x 1 convolutions, so that it runs on a picture of any
    size. `losses` are those of score, box and, if the net finds them, points. Source of the weights:
    the article; `iterations` are this project's.
    """

    pixels: int
    rows: tuple[Conv | Pool, ...]
    hidden: int
    losses: tuple[float, ...]
    iterations: int
    dropout: float = 0.0


TABLES = {
    "pnet": Table(12, (Conv(10, 3), Pool(2), Conv(16, 3), Conv(32, 3)), 0, (1, 0.5), 300_000),
    "rnet": Table(
        24, (Conv(28, 3), Pool(3), Conv(48, 3), Pool(3), Conv(64, 2)), 128, (1, 0.5), 200_000
    ),
    "onet": Table(
        48,
        (Conv(32, 3), Pool(3), Conv(64, 3), Pool(3), Conv(64, 3), Pool(2), Conv(128, 2)),
        256,
        (1, 0.5, 1),
        200_000,
        dropout=0.25,
    ),
}
#: Values of each head: no face and face; dx1 dy1 dx2 dy2; x1 .. x5 y1 .. y5 in 0 .. 1 of the window.
HEADS = {"logits": 2, "box": 4, "points": 10}
_TWICE = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 2, "decay_mult": 0}]
_XAVIER = {"type": "xavier"}


def deploy_net(name: str) -> caffe_pb2.NetParameter:
    """The net as it is used: `data` in; `score` (channel 1: a face), `box` and O-Net's `points` out."""
    pixels = TABLES[name].pixels
    shape = {"dim": [1, 3, pixels, pixels]}
    entry = Layer(name="data", type="Input", top=["data"], input_param={"shape": [shape]})
    score = step("score", "Softmax", "logits")
    return caffe_pb2.NetParameter(name=name, layer=[entry, *_body(TABLES[name]), score])


def train_val_net(name: str) -> caffe_pb2.NetParameter:
    """The net as it is trained and tested, on HDF5 files with a data set for each top of `data`."""
    table = TABLES[name]
    data = [_hdf5(name, table, phase, split) for phase, split in (("TRAIN", "train"), ("TEST", "test"))]
    return caffe_pb2.NetParameter(name=name, layer=[*data, *_body(table), *_losses(table)])


def _body(table: Table) -> Iterator[Layer]:
    """The layers from `data` to the heads; both phases alike."""
    bottom, convs, pools = "data", 0, 0
    for row in table.rows:
        if isinstance(row, Pool):
            pools += 1
            pooling = {"pool": "MAX", "kernel_size": row.kernel, "stride": 2}
            yield step(f"pool{pools}", "Pooling", bottom, pooling_param=pooling)
            bottom = f"pool{pools}"
        else:
            convs += 1
            yield _convolution(f"conv{convs}", bottom, row.out, row.kernel)
            yield in_place(f"prelu{convs}", "PReLU", f"conv{convs}")
            bottom = f"conv{convs}"
    if table.hidden:
        yield from _hidden(table, bottom, f"fc{convs + 1}", f"prelu{convs + 1}")
        bottom = f"fc{convs + 1}"
    for head, values in list(HEADS.items())[: len(table.losses)]:
        yield _full(head, bottom, values) if table.hidden else _convolution(head, bottom, values, 1)


def _hidden(table: Table, bottom: str, name: str, activation: str) -> Iterator[Layer]:
    yield _full(name, bottom, table.hidden)
    if table.dropout:  # before the activation, as in det3
        options = {"dropout_ratio": table.dropout}
        yield in_place(f"drop_{name}", "Dropout", name, dropout_param=options)
    yield in_place(activation, "PReLU", name)


def _convolution(name: str, bottom: str, out: int, kernel: int) -> Layer:
    options = caffe_pb2.ConvolutionParameter(
        num_output=out, kernel_size=[kernel], weight_filler=_XAVIER, bias_filler={"value": 0}
    )
    return step(name, "Convolution", bottom, param=_TWICE, convolution_param=options)


def _full(name: str, bottom: str, out: int) -> Layer:
    options = caffe_pb2.InnerProductParameter(
        num_output=out, weight_filler=_XAVIER, bias_filler={"value": 0}
    )
    return step(name, "InnerProduct", bottom, param=_TWICE, inner_product_param=options)


def _tasks(table: Table) -> list[str]:
    """The heads that learn numbers."""
    return list(HEADS)[1 : len(table.losses)]


def _hdf5(name: str, table: Table, phase: str, split: str) -> Layer:
    """What HDF5 files hold: pictures, labels, and for each task the target and where it counts."""
    targets = [f"{task}_{what}" for task in _tasks(table) for what in ("target", "mask")]
    source = {"source": f"data/{NAME}/{name}/{split}.txt", "batch_size": 384, "shuffle": True}
    return Layer(
        name="data",
        type="HDF5Data",
        top=["data", "label", *targets],
        include=[{"phase": phase}],
        hdf5_data_param=source,
    )


def _losses(table: Table) -> Iterator[Layer]:
    """Cross-entropy of the score, squared distances of the rest where the mask is 1."""
    score, *others = table.losses
    ignoring = {"ignore_label": -1}
    yield Layer(
        name="score_loss",
        type="SoftmaxWithLoss",
        bottom=["logits", "label"],
        top=["score_loss"],
        loss_weight=[score],
        loss_param=ignoring,
    )
    for task, weight in zip(_tasks(table), others, strict=True):
        flat = task
        if not table.hidden:  # 1 x 1 maps
            flat = f"{task}_flat"
            yield step(flat, "Flatten", task)
        product = {"operation": "PROD"}
        yield step(f"{task}_counted", "Eltwise", flat, f"{task}_mask", eltwise_param=product)
        yield Layer(
            name=f"{task}_loss",
            type="EuclideanLoss",
            bottom=[f"{task}_counted", f"{task}_target"],
            top=[f"{task}_loss"],
            loss_weight=[weight],
        )


def solver(name: str, folder: str) -> caffe_pb2.SolverParameter:
    """Momentum 0.9, steps of a tenth. Paths are relative to the working directory, as in Caffe."""
    iterations = TABLES[name].iterations
    return caffe_pb2.SolverParameter(
        net=f"{folder}/train_val.prototxt",
        test_iter=[40],
        test_interval=5000,
        base_lr=0.01,
        momentum=0.9,
        weight_decay=0.0005,
        type="SGD",
        lr_policy="multistep",
        gamma=0.1,
        stepvalue=[iterations * 6 // 10, iterations * 9 // 10],
        display=1000,
        max_iter=iterations,
        snapshot=50_000,
        snapshot_prefix=f"snapshots/{NAME}_{name}",
        solver_mode="GPU",
    )


_DATA = (
    "# Data sets of its HDF5 files: data (n, 3, size, size), RGB, (pixel - 127.5) / 128; label (n),\n"
    "# 1 a face, 0 none, -1 not counted; for each other task its target and a mask of the same shape,\n"
    "# 1 where it counts (the target is 0 elsewhere). Hard examples are chosen by the recipe\n"
    "# trainers/recipes/mtcnn.prototxt, which makes its own pictures.\n"
)


def files(folder: str) -> dict[str, dict[str, str]]:
    """Folder of each net -> file name -> text; `folder` is where the solvers find them."""
    written = {}
    for name in TABLES:
        path = f"{NAME}/{name}"
        head = f"# {path}, written by: python -m protoface.prototxt.generate --net {NAME}\n"
        written[path] = {
            "train_val.prototxt": head + _DATA + to_text(train_val_net(name)),
            "deploy.prototxt": head + to_text(deploy_net(name)),
            "solver.prototxt": head + to_text(solver(name, f"{folder}/{path}")),
        }
    return written
