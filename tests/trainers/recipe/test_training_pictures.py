"""The pictures of a recipe: read with the points of its cascade, drawn with them, weighted."""

from pathlib import Path

import numpy as np
import pytest

from protoface.cascade.cascade_pb2 import CascadeParameter
from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.trainers.recipe.recipe import Recipe
from protoface.trainers.recipe.recipe_pb2 import PicturesParameter, RecipeParameter
from protoface.trainers.recipe.training_pictures import read_pictures, training_pictures

from ...eval.datasets.face_folders import shape_68, write_picture, write_pts, write_wflw


def recipe(layout: str, **fields: object) -> Recipe:
    definition = CascadeParameter(layout=layout, stage=[{"name": "one"}])
    return Recipe(RecipeParameter(**fields), definition, Path(), "recipe.prototxt")


@pytest.fixture
def w300(tmp_path: Path) -> PicturesParameter:
    for name in ("trainset/a", "trainset/b", "testset/c"):
        write_pts(tmp_path / "w300" / f"{name}.pts", shape_68())
        if not name.endswith("b"):
            write_picture(tmp_path / "w300" / f"{name}.png")
    return PicturesParameter(folder=str(tmp_path / "w300"), partition="train", weight=3)


@pytest.mark.parametrize("layout", ["celeba5", "ibug68", "ibug77"])
def test_photographs_have_the_points_of_the_cascade(layout, w300):
    lines: list[str] = []
    found = read_pictures(w300, recipe(layout), lines.append)
    expected = find_layout("ibug68").convert(shape_68(), find_layout(layout))
    np.testing.assert_allclose(found.truth, expected[None], atol=1e-9)
    assert found.names == ("trainset/a.png",)
    assert len(lines) == 1
    assert "w300 train: 1 left out, the first: " in lines[0]
    # errors stay over the distance of the outer corners
    np.testing.assert_allclose(found.inter_ocular, np.linalg.norm(shape_68()[36] - shape_68()[45]))


def test_points_that_cannot_be_converted_are_refused(w300):
    with pytest.raises(
        ProtofaceError,
        match=r"recipe.prototxt: its cascade on .*w300: points of layout 'ibug68' cannot be converted "
        "to 'wflw98', only to celeba5, ibug77",
    ):
        read_pictures(w300, recipe("wflw98"), print)


def test_sets_of_several_layouts_are_trained_on_together(w300, tmp_path):
    """300-W as it is, WFLW converted, and faces drawn with 68 points; each with its weight."""
    faces = np.random.default_rng(0).uniform(10, 50, (2, 98, 2))
    folder = write_wflw(tmp_path / "wflw", train=[("a.png", faces[0]), ("b.png", faces[1])])
    for name in ("a.png", "b.png"):
        write_picture(folder / "WFLW_images" / name)
    wflw = PicturesParameter(folder=str(folder), weight=0.5)
    both = recipe("ibug68", data=[w300, wflw], synthetic={"count": 3, "seed": 1, "weight": 2})
    photographs = [read_pictures(data, both, print) for data in both.parameter.data]
    found = training_pictures(both, "one", photographs, tmp_path / "out", 1)
    assert found.truth.shape == (6, 68, 2)
    assert found.weights.tolist() == [3, 0.5, 0.5, 2, 2, 2]
    expected = find_layout("wflw98").convert(faces, find_layout("ibug68"))
    np.testing.assert_allclose(found.truth[1:3], expected)
    drawn = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jpg")}
    again = training_pictures(both, "one", photographs, tmp_path / "out", 1)
    assert again.paths == found.paths
    assert {path: path.stat().st_mtime_ns for path in drawn} == drawn  # not drawn again
