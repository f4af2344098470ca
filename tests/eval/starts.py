"""Where a model's error on turned faces comes from: its last stages from other starting points.

    python tests/eval/starts.py --model fast

`stages` of the model look one after the other, first from the points that the stages before them have
found, then from points with half of those errors, then from the true ones. Mean errors over the eye
distance and shares above a tenth of it, in %, by the turn of the face.
"""

from __future__ import annotations

import click
import numpy as np
from numpy.typing import NDArray

from protoface.cascade.cascade import begin, load
from protoface.cascade.pictures import read_picture
from protoface.cascade.stage import Stage
from protoface.eval.datasets.dataset import Dataset, read_dataset
from protoface.eval.groups import turn

Floats = NDArray[np.float64]
BOUNDS = ((0.0, 0.15), (0.15, 0.35), (0.35, np.inf), (0.0, np.inf))


@click.command()
@click.option("--data", default="../shared/faces/net7876", show_default=True)
@click.option("--partition", default="val", show_default=True)
@click.option("--model", default="fast", show_default=True)
@click.option("--stages", default=2, show_default=True, help="How many of the last ones are asked.")
def main(data: str, partition: str, model: str, stages: int) -> None:
    """Print a row for each kind of starting points."""
    dataset, cascade = read_dataset(data, partition), load(model)
    before, last = cascade.stages[:-stages], cascade.stages[-stages:]
    found, truth = looks(before, dataset, None), dataset.truth
    row("found before", dataset, found)
    row("from there", dataset, looks(last, dataset, found))
    row("half of its errors", dataset, looks(last, dataset, (found + truth) / 2))
    row("the true points", dataset, looks(last, dataset, truth))


def looks(stages: list[Stage], dataset: Dataset, starts: Floats | None) -> Floats:
    """Points (n, 5, 2) after the stages, which start from `starts` (n, 5, 2) or the whole picture."""
    found = []
    for index, path in enumerate(dataset.paths):
        image = read_picture(path)
        faces = begin([image])
        if starts is not None:
            faces = [faces[0].at(starts[index].astype(np.float32))]
        for stage in stages:
            faces = list(stage.step([image], faces).candidates)
        found.append(faces[0].points)
    return np.array(found, np.float64)


def row(name: str, dataset: Dataset, found: Floats) -> None:
    """Print the errors of each group."""
    errors = 100 * np.linalg.norm(found - dataset.truth, axis=-1).mean(axis=1) / dataset.inter_ocular
    turns = turn(dataset.truth)
    groups = [errors[(least <= turns) & (turns < most)] for least, most in BOUNDS]
    shown = "   ".join(
        f"{group.mean():5.2f} ({(group > 10).mean() * 100:4.1f}) n {len(group)}" for group in groups
    )
    print(f"{name:20} {shown}")


if __name__ == "__main__":
    main()
