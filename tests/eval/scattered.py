"""Photographs whose faces are small and anywhere: made of net7876, for want of a labelled set of such.

    python -m tests.eval.scattered --out build/scattered
    protoface eval --data build/scattered --model fast

Each face of the set is put once into other surroundings (`trainers.recipe.scatter`), its eyes 0.045 to
0.3 of the picture apart. What surrounds it is drawn, or cut from other pictures of the set beside their
faces; with `--others` there are also up to three people whose faces are smaller.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np

from protoface.cascade.definition import read_definition
from protoface.cascade.windows import sampling
from protoface.cascade.windows.window import Window, to_window
from protoface.converters.files import write_text
from protoface.eval.datasets.celeba import FOLDERS, LANDMARKS
from protoface.eval.datasets.dataset import read_dataset
from protoface.trainers.recipe.recipe import Recipe
from protoface.trainers.recipe.recipe_pb2 import RecipeParameter, ScatterParameter
from protoface.trainers.recipe.scatter import Scatter
from protoface.trainers.recipe.sources import read_sources

RECIPE = Path(__file__).parents[2] / "trainers" / "recipes" / "fast" / "cascade.prototxt"
SIDE = 480
TURN = 8.0  # sigma in degrees


@click.command()
@click.option("--data", type=Path, default=Path("../shared/faces/net7876"), show_default=True)
@click.option("--partition", default="test", show_default=True)
@click.option("--out", type=Path, required=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--others", is_flag=True, help="Other people in every picture, with smaller faces.")
def main(data: Path, partition: str, out: Path, seed: int, others: bool) -> None:
    """Write the pictures and their points in CelebA's layout."""
    definition = read_definition(RECIPE)
    definition.stage[0].preprocess.size[:] = [SIDE]  # sources as fine as the photographs are
    recipe = Recipe(RecipeParameter(), definition, RECIPE.parent, str(RECIPE))
    view = recipe.view(definition.stage[0])
    dataset = read_dataset(data, partition)
    sources, kept = read_sources("scattered", view, dataset.paths, dataset.truth, 1)
    options = ScatterParameter(probability=1, greatest_eyes=0.3, others=others)
    scatter = Scatter(options, sources, [seed])
    (out / FOLDERS[-1]).mkdir(parents=True, exist_ok=True)
    lines = []
    for index, source in zip(kept, sources, strict=True):
        generator = np.random.default_rng([seed, index])
        window = scatter.window(generator, source.five, float(generator.normal(0, TURN)))
        rows, columns = _shape(window)
        window = replace(window, height=window.width * rows / columns)
        seen = sampling.resample(source.pixels, source.seen(window), rows, columns, cv2.INTER_AREA)
        picture = scatter.cover(generator, seen, source, window)
        name = f"{dataset.paths[index].stem}.jpg"
        cv2.imwrite(str(out / FOLDERS[-1] / name), picture)
        points = (to_window(source.points, window) + 1) / 2 * (columns - 1, rows - 1)
        lines.append(f"{name} " + " ".join(f"{value:.2f}" for value in points.ravel()))
    head = " ".join(f"{name}_{axis}" for name in recipe.layout.points for axis in "xy")
    write_text(out / LANDMARKS, "\n".join([str(len(lines)), head, *lines, ""]))


def _shape(window: Window) -> tuple[int, int]:
    """Rows and columns of a picture that shows a window, SIDE the longer one."""
    scale = SIDE / max(window.width, window.height)
    return round(window.height * scale), round(window.width * scale)


if __name__ == "__main__":
    main()
