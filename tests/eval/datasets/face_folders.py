"""Small annotated sets in several layouts, without pictures unless they are asked for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from protoface.eval.datasets.wflw import FOLDERS, LISTS


def shape_68(count: int = 68) -> np.ndarray:
    """Points with two decimals, all of them somewhere else."""
    return np.random.default_rng(count).uniform(5, 60, (count, 2)).round(2)


def write_picture(path: Path, grey: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((64, 64, 3), grey, np.uint8))
    return path


def write_csv(folder: Path, points: Mapping[str, np.ndarray], header: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{name}," + ",".join(map(str, shape.ravel())) for name, shape in points.items()]
    columns = "name," + ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")
    (folder / "landmarks68.csv").write_text("\n".join([columns, *rows] if header else rows))
    return folder


def write_pts(path: Path, points: np.ndarray) -> Path:
    """As 300-W's are: counted from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{x:.3f} {y:.3f}" for x, y in points + 1]
    path.write_text("\n".join(["version: 1", f"n_points: {len(points)}", "{", *rows, "}", ""]))
    return path


def write_wflw(folder: Path, **faces: Sequence[tuple]) -> Path:
    """Lists of (name, points) or (name, points, flags) for train and test; rectangles are 5 wider."""
    (folder / FOLDERS[0]).mkdir(parents=True)
    (folder / "WFLW_images").mkdir(exist_ok=True)
    for part, entries in faces.items():
        lines = []
        for name, points, *flags in entries:
            corners = [*(points.min(0) - 5), *(points.max(0) + 5)]
            numbers = [*points.ravel().tolist(), *corners, *(flags[0] if flags else (0,) * 6)]
            lines.append(" ".join(map(str, [*numbers, name])))
        (folder / FOLDERS[0] / LISTS[part]).write_text("\n".join([*lines, ""]))
    return folder
