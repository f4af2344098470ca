"""What OpenCV 4's own importer makes of single Caffe layers, against `read_net_from_caffe`: a table.

PYTHONPATH=<folder with opencv-python 4.14> python -m tests.converters.opencv_importer

Each type is drawn with the options of `test_random_nets`, 60 nets of one layer; right means within 1e-4
of the largest output of PyTorch in float64.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.check import largest_difference
from protoface.converters.graph import Net
from protoface.converters.opencv_net import opencv_net
from protoface.converters.prototxt import to_text
from protoface.converters.runtimes import run_opencv, run_pytorch
from protoface.converters.weights import without_weights

from .parity import filled
from .test_random_nets import BOTTOMS, OPTIONS, fits, moderate, text_format

NETS = 60


def single(kind: str) -> Iterator[Net]:
    """Nets of one or more inputs and one layer of a type."""
    found: list[Net] = []

    @seed(0)
    @settings(
        max_examples=10 * NETS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def drawn(data: st.DataObject) -> None:
        counts = BOTTOMS.get(kind, 1)
        count = counts if isinstance(counts, int) else data.draw(st.integers(*counts))
        names = [f"x{index}" for index in range(count)]
        net = Net(name="single")
        for name in names:
            shape = (
                1,
                data.draw(st.sampled_from([2, 4])),
                *data.draw(st.tuples(*[st.integers(3, 7)] * 2)),
            )
            if kind in ("Eltwise", "Concat", "Scale", "Bias") and name != "x0":
                shape = tuple(net.layer[0].input_param.shape[0].dim)
            if kind == "Axpy":
                shape = (1, 4, 1, 1) if name == "x0" else (1, 4, 5, 6)
            layer = net.layer.add(name=name, type="Input", top=[name])
            layer.input_param.shape.add(dim=shape)
        several = kind in ("Slice", "Split")
        tops = ["y/part", "z/part"] if several else ["y"]
        layer = net.layer.add(name=tops[0], type=kind, bottom=names, top=tops)
        text_format.Merge(OPTIONS[kind](data.draw), layer)
        fitting = fits(net)
        for name in ("y", "z") if several else ():  # it cannot be asked for a second top by name
            net.layer.add(name=name, type="TanH", bottom=[f"{name}/part"], top=[name])
        if len(found) < NETS and fitting and net not in found:
            found.append(net)

    drawn()
    return (net for net in map(filled, found) if moderate(net))


def own_importer(net: Net) -> cv2.dnn.Net:
    """The net as OpenCV reads it, no layer changed."""
    text = to_text(without_weights(net)).encode()
    weights = net.SerializeToString()
    return cv2.dnn.readNetFromCaffe(np.frombuffer(text, np.uint8), np.frombuffer(weights, np.uint8))


def verdict(net: Net, load: Callable[[Net], cv2.dnn.Net]) -> str:
    """Right, wrong or refused."""
    graph = build_graph(net, "single")
    generator = np.random.default_rng(0)
    feed = {value.blob: generator.normal(size=value.shape).astype(np.float32) for value in graph.inputs}
    expected = run_pytorch(net, np.float64)(feed)
    try:
        return (
            "right"
            if largest_difference(expected, run_opencv(load(net), graph)(feed)) < 1e-4
            else "wrong"
        )
    except (cv2.error, ProtofaceError) as error:
        return "wrong" if "shape" in str(error) and "instead" in str(error) else "refused"


def apart(net: Net) -> str:
    """The verdict on OpenCV's own importer, in a process of its own: some nets corrupt its memory."""
    kinds = ("right", "wrong", "refused")
    child = os.fork()
    if not child:
        signal.alarm(20)  # corrupted memory may also end in waiting
        os._exit(kinds.index(verdict(net, own_importer)))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return kinds[status] if 0 <= status < len(kinds) else "crashed"


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)  # a forked process has no other threads
    torch.set_num_threads(1)
    print(
        "| layer | nets | right by its own importer | wrong | refused | crashed | right by protoface |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    total: dict[str, Counter[str]] = defaultdict(Counter)
    for kind in sorted(OPTIONS):
        nets = list(single(kind))
        theirs = Counter(map(apart, nets))
        ours = Counter(verdict(net, lambda net: opencv_net(net, "single")) for net in nets)
        failed = (theirs["wrong"], theirs["refused"], theirs["crashed"])
        cells = (theirs["right"], *failed, ours["right"])
        print(f"| {kind} | {len(nets)} | {' | '.join(map(str, cells))} |", flush=True)
        total["theirs"] += theirs
        total["ours"] += ours
    theirs, ours = total["theirs"], total["ours"]
    failed = (theirs["wrong"], theirs["refused"], theirs["crashed"])
    cells = (theirs.total(), theirs["right"], *failed, ours["right"])
    print(f"| all | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
