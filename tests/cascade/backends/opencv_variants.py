"""Ways to give OpenCV a net with depthwise convolutions, timed in turn, in milliseconds.

`python tests/cascade/backends/opencv_variants.py --target cuda --target cuda-fp16 --json FILE`; targets
with `cuda` need a GPU. Each is compared with the net as it was trained, on the CPU. Caffe's grouped
Convolution and ConvolutionDepthwise are one layer to OpenCV (caffe_importer.cpp), so what can be varied
is what it is left to merge, which importer reads it, and whether convolutions have groups at all.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from protoface.cascade.backends.opencv_gpu import missing_cuda, use_gpu
from protoface.cascade.definition import find_definition, sharing, weight_files
from protoface.cascade.measure.machine import machine, versions
from protoface.cascade.measure.step_times import load_model
from protoface.converters.blobs import to_array, to_blob
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import write_text
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net, build_graph
from protoface.converters.onnx_export import to_onnx
from protoface.converters.opencv_net import opencv_net, opencv_net_from_onnx

WARM_UP = 5
TARGETS = {"cpu": None, "cuda": "DNN_TARGET_CUDA", "cuda-fp16": "DNN_TARGET_CUDA_FP16"}


def dense(net: Net) -> Net:
    """The same net with convolutions of one group; between what were groups the weights are 0."""
    found = Net()
    found.CopyFrom(net)
    for layer in found.layer:
        if layer.type not in ("Convolution", "ConvolutionDepthwise"):
            continue
        options, weight = layer.convolution_param, to_array(layer.blobs[0], layer.name)
        groups = options.group if layer.type == "Convolution" else len(weight)
        outputs, inputs = len(weight) // groups, weight.shape[1]
        full = np.zeros((len(weight), inputs * groups, *weight.shape[2:]), np.float32)
        for group in range(groups):
            rows = slice(group * outputs, (group + 1) * outputs)
            full[rows, group * inputs : (group + 1) * inputs] = weight[rows]
        layer.type, options.group = "Convolution", 1
        layer.blobs[0].CopyFrom(to_blob(full))
    return found


def by_onnx(net: Net, source: str) -> cv2.dnn.Net:
    model = to_onnx(fold_batch_norm(net, source), source).SerializeToString()
    return opencv_net_from_onnx(model, source, classic_engine=True)


#: What makes a network of a net and its name in errors.
VARIANTS: dict[str, Callable[[Net, str], cv2.dnn.Net]] = {
    "as trained": lambda net, source: opencv_net(net, source, classic_engine=True),
    "folded": lambda net, source: opencv_net(fold_batch_norm(net, source), source, True),
    "folded, by ONNX": by_onnx,
    "folded, without groups": lambda net, source: opencv_net(
        dense(fold_batch_norm(net, source)), source, True
    ),
}


def measure(net: Net, source: str, targets: tuple[str, ...], batch: int, runs: int) -> list[dict]:
    """Rows of one net at one batch size: median, 90th percentile, and the distance from the CPU's."""
    (data,) = build_graph(net, source).inputs
    shape = (batch, *data.shape[1:])
    blob = np.random.default_rng(0).normal(0, 60, shape).astype(np.float32)
    networks = {}
    for target in targets:
        for variant, make in VARIANTS.items():
            networks[target, variant] = network = make(net, source)
            if TARGETS[target]:
                use_gpu(network, TARGETS[target], {data.blob: shape}, f"{source}, {variant}")
    reference = VARIANTS["as trained"](net, source)
    reference.setInput(blob)
    expected = reference.forward()
    times: dict[tuple[str, str], list[float]] = {key: [] for key in networks}
    apart = {}
    for run in range(WARM_UP + runs):
        for key, network in networks.items():
            start = time.perf_counter()
            network.setInput(blob)
            answers = network.forward()
            if run >= WARM_UP:
                times[key].append((time.perf_counter() - start) * 1000)
            apart[key] = float(np.abs(answers - expected).max())
    return [
        {
            "net": source, "target": target, "variant": variant, "batch": batch,
            "p50_ms": float(np.median(taken)), "p90_ms": float(np.quantile(taken, 0.9)),
            "apart": apart[target, variant],
        }
        for (target, variant), taken in times.items()
    ]  # fmt: skip


@click.command(help=__doc__)
@click.option("--model", default="original", show_default=True)
@click.option("--target", "targets", multiple=True, type=click.Choice(list(TARGETS)), default=["cpu"])
@click.option("--batch", "batches", multiple=True, type=int, default=[1, 8, 64, 512], show_default=True)
@click.option("--runs", default=30, show_default=True)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(
    model: str, targets: tuple[str, ...], batches: tuple[int, ...], runs: int, json_file: Path
) -> None:
    lacking = missing_cuda() if any(TARGETS[target] for target in targets) else None
    if lacking:
        raise ProtofaceError(lacking)
    cv2.setNumThreads(1)
    definition, nets, _ = load_model(model, [])
    files = weight_files(definition, find_definition(model).parent)
    rows: list[dict[str, Any]] = []
    for first, *_ in sharing(definition, files):
        for batch in batches:
            found = measure(nets[first], definition.stage[first].name, targets, batch, runs)
            for row in found:
                click.echo("{net} {batch:4} {target:9} {variant:24}{p50_ms:9.3f} ms".format(**row))
            rows += found
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    report = {"command": command, "machine": machine(), "versions": versions(), "rows": rows}
    write_text(json_file, json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except ProtofaceError as error:
        sys.exit(f"{Path(__file__).name}: {error}")
