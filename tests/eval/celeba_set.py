"""A small annotated set in CelebA's layout, and finders whose errors are known."""

from pathlib import Path

import cv2
import numpy as np

from protoface.cascade.face import Face
from protoface.cascade.layouts import find_layout
from protoface.eval.finders import Finder

from .found_faces import a_face

FACE = np.array([(30, 30), (60, 30), (45, 45), (33, 60), (57, 60)], np.float64)  # eyes 30 pixels apart


def with_68_points(five: np.ndarray) -> np.ndarray:
    """Faces (n, 68, 2) whose five points are `five` (n, 5, 2); the other points lie about them."""
    points = five[:, [2] * 68] + np.random.default_rng(0).uniform(-20, 20, (len(five), 68, 2))
    matrix = find_layout("ibug68").conversions["celeba5"]
    # the least change that puts the five in place
    return points + np.linalg.pinv(matrix) @ (five - matrix @ points)


def write_celeba(folder: Path, truth: np.ndarray, partitions: list[int]) -> Path:
    """Pictures 80 x 60 with `truth` (n, 5, 2), the lists, and boxes of 40 x 40 pixels."""
    (folder / "images").mkdir(parents=True)
    names = [f"{number:03d}.png" for number in range(len(truth))]
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / "images" / name), np.full((60, 80, 3), number, np.uint8))
    rows = [
        f"{name} {' '.join(map(str, points.ravel()))}"
        for name, points in zip(names, truth, strict=True)
    ]
    (folder / "list_landmarks_celeba.txt").write_text("\n".join([str(len(rows)), "columns", *rows]))
    boxes = [f"{name} 20 20 40 40" for name in names]
    (folder / "list_bbox_celeba.txt").write_text("\n".join([str(len(rows)), "columns", *boxes]))
    parts = [f"{name} {part}" for name, part in zip(names, partitions, strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(parts))
    return folder


def offset_finder(first: float, last: float) -> Finder:
    """Knows the truth (a picture is as grey as its number): levels `first` and `last` pixels off."""

    def find(images: list[np.ndarray]) -> list[list[Face]]:
        truths = [FACE + (float(image[0, 0, 0]), 0) for image in images]
        return [
            [a_face(truth + (first, 0), truth + (0, last), diagonals=(100, 50))] for truth in truths
        ]

    return find
