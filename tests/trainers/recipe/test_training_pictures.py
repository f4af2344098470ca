"""The pictures of a recipe: read with the points of its cascade, drawn with them, weighted."""

from pathlib import Path

import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.cascade_pb2 import CascadeParameter
from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.converters.prototxt import read_message
from protoface.eval.datasets.dataset import list_dataset
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


CONVERSION = """
to: "celeba5"
point { of: "left_eye" } point { of: "right_eye" } point { of: "nose_base_2" }
point { of: "outer_lips_00" } point { of: "outer_lips_06" }
"""


def test_a_set_may_have_a_conversion_of_its_own(w300, tmp_path):
    (tmp_path / "other.prototxt").write_text(CONVERSION)
    w300.conversion = str(tmp_path / "other.prototxt")
    found = read_pictures(w300, recipe("celeba5"), print)
    expected = find_layout("ibug68").convert(shape_68(), find_layout("celeba5"))
    expected[2] = shape_68()[33]
    np.testing.assert_allclose(found.truth, expected[None], atol=1e-9)
    np.testing.assert_allclose(found.inter_ocular, np.linalg.norm(shape_68()[36] - shape_68()[45]))


def test_a_conversion_to_other_points_is_refused(w300, tmp_path):
    (tmp_path / "other.prototxt").write_text(CONVERSION)
    w300.conversion = str(tmp_path / "other.prototxt")
    message = r"w300: .*other.prototxt: is a conversion to 'celeba5', needs one to 'ibug68'"
    with pytest.raises(ProtofaceError, match=message):
        read_pictures(w300, recipe("ibug68"), print)
    w300.conversion = str(tmp_path / "no.prototxt")
    with pytest.raises(ProtofaceError, match=r"no.prototxt: No such file"):
        read_pictures(w300, recipe("celeba5"), print)


def test_named_pictures_stay_out(w300, tmp_path):
    w300.ClearField("partition")
    assert read_pictures(w300, recipe("ibug68"), print).names == ("testset/c.png", "trainset/a.png")
    w300.leave_out.append("trainset/a.png")
    assert read_pictures(w300, recipe("ibug68"), print).names == ("testset/c.png",)
    w300.ClearField("leave_out")
    (tmp_path / "out.txt").write_text("testset/c.png\n\n")
    w300.leave_out_list = str(tmp_path / "out.txt")
    assert read_pictures(w300, recipe("ibug68"), print).names == ("trainset/a.png",)


def test_a_name_to_leave_out_that_is_not_there_is_refused(w300, tmp_path):
    w300.leave_out.append("a.png")
    message = "leave_out: 'a.png' is to stay out, but w300 train has no such picture; names are"
    with pytest.raises(ProtofaceError, match=message):
        read_pictures(w300, recipe("ibug68"), print)
    w300.ClearField("leave_out")
    (tmp_path / "out.txt").write_text("b\n")
    w300.leave_out_list = str(tmp_path / "out.txt")
    with pytest.raises(ProtofaceError, match=r"out.txt: 'b' is to stay out, but w300 train"):
        read_pictures(w300, recipe("ibug68"), print)
    w300.leave_out_list = ""
    w300.leave_out.append("trainset/a.png")
    with pytest.raises(ProtofaceError, match="w300 train: all of its pictures are to stay out"):
        read_pictures(w300, recipe("ibug68"), print)


def test_a_stage_is_shown_its_own_pictures(w300, tmp_path):
    other = PicturesParameter(folder=w300.folder, partition="test", stage=["two"])
    both = recipe("ibug68", data=[w300, other])
    photographs = [read_pictures(data, both, print) for data in both.parameter.data]
    for stage, names in (("one", ["a.png"]), ("two", ["a.png", "c.png"])):
        found = training_pictures(both, stage, photographs, tmp_path / "out", 1)
        assert [path.name for path in found.paths] == names
        assert len(found.weights) == len(names)


def frontal(truth: np.ndarray) -> np.ndarray:
    """Mean nose and mouth corner (2, 2) of frontal faces (n, 5, 2), whose eyes are at 0 and 1."""
    z = truth @ (1, 1j)
    z = (z - z[:, :1]) / (z[:, 1:2] - z[:, :1])
    nose, left, right = z[np.abs(z[:, 2].real - 0.5) < 0.1].mean(0)[2:]
    corner = (right + 1 - np.conj(left)) / 2
    return np.array([(0.5, nose.imag), (corner.real, corner.imag)])


@pytest.mark.parametrize("name", ["w300", "wflw"])
def test_the_conversions_bring_the_sets_nearer_to_net7876(name, shared):
    """Mean frontal faces, which the conversions were not fitted to."""
    expected = frontal(list_dataset(shared / "faces/net7876").partition("train").truth)
    plain = list_dataset(shared / "faces" / name).partition("train")
    file = Path(__file__).parents[3] / f"trainers/recipes/conversions/{name}.prototxt"
    conversion = read_message(file, cascade_pb2.ConversionParameter())
    own = plain.layout.with_conversion(conversion, str(file))
    five = find_layout("celeba5")
    before, after = (
        np.linalg.norm(frontal(layout.convert(plain.truth, five)) - expected, axis=1).mean()
        for layout in (plain.layout, own)
    )
    assert after < 0.02
    assert after < 0.7 * before
