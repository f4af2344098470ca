"""Shrink the recorded runs of Caffe's solvers to what is committed; see caffe_runs/README.md.

`python -m tests.trainers.solver.shrink_caffe_runs`, with the reference data at hand.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...reference_data import reference_data

COMMITTED = Path(__file__).parent / "caffe_runs"
RUNS = sorted(
    path.name.removesuffix(".solver.prototxt") for path in COMMITTED.glob("*.solver.prototxt")
)
ITERATIONS = (1, 5, 12)
#: Of the largest blob only every 25th value is kept, and the sum of each row.
LARGE, EVERY = "fc/0", 25


def kept(names: list[str], shapes: list[tuple[int, ...]]) -> NDArray[np.int64]:
    """Indices into a row of all parameters."""
    start, parts = 0, []
    for name, shape in zip(names, shapes, strict=True):
        stop = start + int(np.prod(shape))
        parts.append(np.arange(start, stop, EVERY if name == LARGE else 1))
        start = stop
    return np.concatenate(parts)


def large_sums(
    params: NDArray[np.float64], names: list[str], shapes: list[tuple[int, ...]]
) -> NDArray[np.float64]:
    """The sums of the large blob's rows, for rows of all parameters."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    index = names.index(LARGE)
    start = sum(sizes[:index])
    blob = params[:, start : start + sizes[index]].reshape(-1, *shapes[index])
    return blob.sum(axis=-1)


def shrunk(folder: Path) -> dict[str, NDArray]:
    """The arrays to commit, from the folder of whole records."""
    lines = [line.split() for line in (folder / "list.txt").read_text().splitlines()]
    whole = {run: np.load(folder / f"{run}.npz") for run in RUNS}
    first = whole[RUNS[0]]
    names = list(first["param_names"])
    shapes = [tuple(json.loads(shape)) for shape in first["param_shapes"]]
    pictures = [cv2.resize(cv2.imread(str(folder / "images" / line[0])), (24, 24)) for line in lines]
    arrays = {
        "pictures": np.array(pictures),
        "labels": np.array([line[1:] for line in lines], np.float64),
        "names": first["param_names"],
        "shapes": first["param_shapes"],
        "start": first["params"][0],
        "kept": kept(names, shapes).astype(np.int16),
        "iterations": np.array(ITERATIONS, np.int16),
        "lr_mult": first["lr_mult"],
        "decay_mult": first["decay_mult"],
    }
    for run, record in whole.items():
        params = record["params"][list(ITERATIONS)]
        arrays[f"{run}/params"] = params[:, arrays["kept"]]
        arrays[f"{run}/sums"] = large_sums(params, names, shapes)
        arrays[f"{run}/loss"] = record["loss"]
    return arrays


if __name__ == "__main__":
    arrays = shrunk(reference_data() / "caffe_reference" / "solvers")
    np.savez_compressed(COMMITTED / "runs.npz", **arrays)
