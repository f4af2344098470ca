"""How far a set's five points are from those of net7876: by a model that has learnt from the latter.

    python tests/trainers/recipe/conventions.py ../shared/faces/w300 --partition train
    python tests/trainers/recipe/conventions.py ../shared/faces/w300 --partition train
        --conversion trainers/recipes/conversions/w300.prototxt

The last stage of the model looks twice, first from the true points: what it finds is then where net7876
has such a point, give or take what the model does not know. The medians of true minus found are in % of
the eye distance, x along the line of the eyes and y across it, for faces by their turn (noses to the
right of the middle; the others are mirrored).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from protoface.cascade.cascade import Cascade, begin, load
from protoface.cascade.cascade_pb2 import CascadeParameter
from protoface.cascade.layouts import find_layout
from protoface.cascade.pictures import read_picture
from protoface.eval.datasets.dataset import Dataset
from protoface.trainers.recipe.jitter import Complex, Floats, to_complex
from protoface.trainers.recipe.recipe import Recipe
from protoface.trainers.recipe.recipe_pb2 import PicturesParameter, RecipeParameter
from protoface.trainers.recipe.training_pictures import read_pictures

FIVE = find_layout("celeba5")
BOUNDS = (-0.1, 0.1, 0.25, 0.4, 0.6)
#: A face whose points are found further away than this (in eye distances) is one that was not found.
MISSED = 0.15


@click.command()
@click.argument("folder")
@click.option("--partition", default="")
@click.option("--conversion", default="")
@click.option("--model", default="tiny", show_default=True, help="Must not be trained on the set.")
@click.option("--at-most", default=10_000, show_default=True)
def main(folder: str, partition: str, conversion: str, model: str, at_most: int) -> None:
    """Print how far the points of a set are from where a model finds them."""
    cascade = load(model)
    data = PicturesParameter(folder=folder, partition=partition, conversion=conversion)
    dataset = read_pictures(data, five_points(), click.echo).evenly(at_most)
    apart, turn = differences(dataset.truth, found_near(cascade, dataset))
    for least, most in pairwise(BOUNDS):
        chosen = apart[(turn >= least) & (turn < most) & (np.abs(apart).mean(axis=1) < MISSED)]
        print(f"turn {least:g} to {most:g}: {len(chosen)} faces")
        for name, values in zip(FIVE.points, chosen.T, strict=True):
            x, y = 100 * np.median(values.real), 100 * np.median(values.imag)
            print(f"    {name:12} {x:+5.1f} {y:+5.1f}")


def five_points() -> Recipe:
    """A recipe that asks for five points."""
    return Recipe(RecipeParameter(), CascadeParameter(layout=FIVE.name), Path(), "conventions")


def found_near(cascade: Cascade, dataset: Dataset) -> Floats:
    """Points (n, 5, 2) that the cascade's last stage finds in two looks from the true ones."""
    stage, found = cascade.stages[-1], []
    for path, points in zip(dataset.paths, dataset.truth, strict=True):
        image = read_picture(path)
        (face,) = begin([image])
        face = face.at(points.astype(np.float32))
        for _ in range(2):
            (face,) = stage.step([image], [face]).candidates
        found.append(face.points)
    return np.array(found, np.float64)


def differences(truth: Floats, found: Floats) -> tuple[Complex, Floats]:
    """True minus found (2n, 5) in eye distances, along the eyes, and turns (2n); mirror images too."""
    places, left, right = to_complex(truth), to_complex(truth)[:, :1], to_complex(truth)[:, 1:2]
    apart = (places - to_complex(found)) / (right - left)
    turn = ((places[:, 2:3] - (left + right) / 2) / (right - left))[:, 0].real
    mirrored = -np.conj(apart[:, list(FIVE.flip)])
    return np.concatenate((apart, mirrored)), np.concatenate((turn, -turn))


if __name__ == "__main__":
    main()
