"""Small sets in CelebA's layout, and a level 1 that answers the mean face."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from protoface.converters import build_graph, caffe_pb2, write_weights
from protoface.converters.fillers import fill_graph
from protoface.converters.weights import with_arrays
from protoface.prototxt import generate
from protoface.trainers.drawn.faces import SyntheticFace, draw_face

HEAD = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x"


def write_set(
    folder: Path, count: int = 12, size: int = 96, names: Sequence[str] = (), images: str = "images"
) -> dict[str, np.ndarray]:
    """Write drawn faces with whole-pixel points, as CelebA's are; returns points (5, 2) by name."""
    (folder / images).mkdir(parents=True)
    points = {}
    for index in range(count):
        name = names[index] if index < len(names) else f"{index:06d}.jpg"
        face = drawn(index, size)
        rows, columns = face.image.shape[:2]
        points[name] = np.clip(np.round(face.points), 0, (columns - 1, rows - 1))
        assert cv2.imwrite(str(folder / images / name), face.image)
    write_landmarks(folder, points)
    return points


@cache
def drawn(index: int, size: int) -> SyntheticFace:
    """A face, drawn once for all tests that use it: it takes 10 ms."""
    return draw_face(7, index, size)


def write_landmarks(folder: Path, points: dict[str, np.ndarray]) -> None:
    lines = [f"{name} {' '.join(str(int(v)) for v in p.ravel())}" for name, p in points.items()]
    text = "\n".join([str(len(lines)), f"{HEAD} rightmouth_y", *lines, ""])
    (folder / "list_landmarks_celeba.txt").write_text(text)


def write_partition(folder: Path, parts: dict[str, int]) -> None:
    lines = [f"{name} {part}" for name, part in parts.items()]
    (folder / "list_eval_partition.txt").write_text("\n".join([*lines, ""]))


def constant_level_1(path: Path, answer: Sequence[float]) -> None:
    """Weights of the original's net that answer the same ten numbers to every picture."""
    net = generate.deploy_net("level_1", generate.Size())
    graph = build_graph(net, "level_1")
    arrays = fill_graph(graph, 0)
    for layer in net.layer:
        if layer.type == "BatchNorm":  # variance 1, mean 0, counted once
            arrays[f"{layer.name}.1"][:] = 1
            arrays[f"{layer.name}.2"][:] = 1
    arrays["fc2.0"][:] = 0
    arrays["fc2.1"][:] = answer
    assert isinstance(net, caffe_pb2.NetParameter)
    write_weights(path, with_arrays(net, graph, arrays))
