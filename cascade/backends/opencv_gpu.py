"""OpenCV's CUDA backend: what it lacks on this machine, and what it leaves to the CPU.

OpenCV itself only warns, or not even that, and computes on the CPU; so it is asked before and after.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError, reason

LOG = logging.getLogger(__name__)
BUILD = f"{Path(__file__).parents[1] / 'opencv_cuda' / 'build.sh'} makes one that has it"
# A node of cv2.dnn.Net.dump(), one line of Graphviz: its label ends with backend/target, and several
# layers that run as one stand there in braces. Source: OpenCV 4.14, dnn/src/net_impl.cpp, dump.
_NODE = re.compile(
    r'^\t".*" \[label="\{?(?P<layers>.*?)(?P<backend>OCV|CUDA)/\w+\\n *\}?" fillcolor', re.MULTILINE
)


def missing_cuda() -> str | None:
    """What OpenCV's DNN module lacks to compute on a GPU here, in one line with the remedy."""
    devices = cv2.cuda.getCudaEnabledDeviceCount() if hasattr(cv2, "cuda") else 0
    with_cuda = re.search(r"NVIDIA CUDA: +YES", cv2.getBuildInformation()) is not None
    targets = cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_CUDA)  # type: ignore[attr-defined]
    return explain(devices, with_cuda, bool(targets))


def explain(devices: int, with_cuda: bool, has_targets: bool) -> str | None:
    """`missing_cuda` of `getCudaEnabledDeviceCount`, the build information, and the DNN's targets.

    Without CUDA OpenCV counts 0 devices, without a driver (or with one that is too old) -1.
    """
    opencv = f"OpenCV {cv2.__version__}"
    if not with_cuda:
        return f"{opencv} is built without CUDA, as all of PyPI's are; {BUILD}"
    if devices < 0:
        return (
            f"{opencv} has CUDA but finds no NVIDIA driver new enough for it; see what nvidia-smi says"
        )
    if devices == 0:
        return f"{opencv} has CUDA but finds no GPU; see what nvidia-smi and CUDA_VISIBLE_DEVICES say"
    if not has_targets:
        return (
            f"{opencv} has CUDA, but not in its DNN module or not for this GPU; {BUILD}, see its --arch"
        )
    return None


def use_gpu(
    network: cv2.dnn.Net, target: str, shapes: Mapping[str, Sequence[int]], source: str
) -> None:
    """Let a network with inputs of these shapes compute on the GPU, and run it once.

    `target` is DNN_TARGET_CUDA or DNN_TARGET_CUDA_FP16. Layers that OpenCV computes on the CPU are
    named in the log, as a warning. Raises ProtofaceError if those are all, or if it cannot run.
    """
    try:
        network.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
        network.setPreferableTarget(getattr(cv2.dnn, target))
        for name, shape in shapes.items():
            network.setInput(np.zeros(shape, np.float32), name)
        network.forward()
        on_gpu, on_cpu = layers_by_place(network)
    except cv2.error as error:
        raise ProtofaceError(
            f"{source}: OpenCV {cv2.__version__} cannot run it on the GPU: {reason(error)}"
        ) from error
    if not on_gpu:
        raise ProtofaceError(f"{source}: OpenCV {cv2.__version__} computes all of it on the CPU")
    if on_cpu:
        LOG.warning(
            "%s: OpenCV %s computes %d of %d layers on the CPU: %s",
            source, cv2.__version__, len(on_cpu), len(on_cpu) + len(on_gpu), ", ".join(on_cpu),
        )  # fmt: skip


def layers_by_place(network: cv2.dnn.Net) -> tuple[list[str], list[str]]:
    """Names of the layers that run on the GPU, and of those that run on the CPU, after a first run."""
    return parse_dump(network.dump())


def parse_dump(dump: str) -> tuple[list[str], list[str]]:
    """`layers_by_place` of what `Net.dump` says."""
    places: dict[str, list[str]] = {"CUDA": [], "OCV": []}
    for node in _NODE.finditer(dump):
        layers = node["layers"].split(" | ")
        places[node["backend"]] += [layer.partition(r"\n")[0] for layer in layers]
    return places["CUDA"], places["OCV"]
