"""Stages that see points and features of the stages before: what is refused, after any finder."""

import re

import numpy as np
import pytest

from protoface.cascade import load
from protoface.cascade.definition import read_definition
from protoface.converters import ProtofaceError

from ..prototxt.generate.dan_cascade import random_cascade
from .bright_faces import FIRST, bright_picture, write_bright_faces

OPTIONS = ("--net", "dan_mobile", "--size", 32, "--width", 0.5)


@pytest.fixture
def folder(tmp_path):
    random_cascade(tmp_path, *OPTIONS)
    return tmp_path


def changed(folder, old: str, new: str, count: int = 1):
    """The cascade's file with a text in place of another one, which must be there."""
    path = folder / "cascade.prototxt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    return path


def image():
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)


def test_every_box_is_a_face_of_its_own(folder):
    """Together and alone they give the same points: no feature goes to another face."""
    cascade = load(folder)
    boxes = [(10, 10, 40, 40), (30, 20, 60, 50), (5, 30, 50, 50)]
    together = cascade.detect(image(), boxes)
    for box, face in zip(boxes, together, strict=True):
        (alone,) = cascade.detect(image(), [box])
        np.testing.assert_allclose(face.points, alone.points, atol=1e-3)
        np.testing.assert_allclose(face.box, box)
        assert len(face.stages) == len(face.windows) == 2
        assert np.abs(face.points.mean(0) - (box[0] + box[2] / 2, box[1] + box[3] / 2)).max() < 15


def test_without_a_box_it_begins_with_the_whole_picture(folder):
    (face,) = load(folder).detect(image())
    (same,) = load(folder).detect(image(), [(0, 0, 120, 90)])
    np.testing.assert_allclose(face.points, same.points, atol=1e-4)


def test_later_stages_see_what_earlier_ones_answered(folder):
    first, second = load(folder).steps([image()], [[(10, 10, 60, 60)]])
    np.testing.assert_array_equal(second.inputs["feature"][..., 0, 0], first.outputs["fc1"])
    points, window = first.candidates[0].points, second.windows[0]
    assert second.inputs["heatmap"].shape == (1, 1, 32, 32)
    x, y = (points[40] - (window.x, window.y) + 0.5) * 32 / window.width - 0.5
    if not window.angle:
        assert second.inputs["heatmap"][0, 0, round(float(y)), round(float(x))] > 0.5


def test_after_any_finder(folder, tmp_path_factory):
    """One file: the finder of white squares, then both stages; each face begins with its box."""
    finder = write_bright_faces(tmp_path_factory.mktemp("finder"))
    for name in ("finder.prototxt", "finder.caffemodel"):
        (folder / name).write_bytes((finder / name).read_bytes())
    picture = bright_picture([(20, 30, 24), (90, 60, 40)])
    stages = load(folder)
    changed(folder, "\nstage {", f"\n{FIRST}\nstage {{")
    found = load(folder).detect(picture)
    assert len(found) == 2
    alone = stages.detect(picture, [face.box for face in found])
    for face, same in zip(found, alone, strict=True):
        assert face.score > 0.6
        assert len(face.stages) == 3
        np.testing.assert_allclose(face.points, same.points, atol=1e-3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('feature { name: "fc1" } }\n  answer', 'feature { name: "x" } }\n  answer', "at feature 'x'"),
        ("start: true", "start: false", "'stage_1': the first stage's window needs points"),
        ('answer { blob: "fc1" feature { name: "fc1" } }', "", "stages before it answer none"),
        ("frame: 32 } }", "frame: 32 range: CORNER } }", "'stage_1': points of range CORNER"),
        ("weights:", "flip_average: true weights:", "'stage_1': flip_average goes neither"),
        ('feature { name: "fc1" } }', "feature {} }", "an answer of a feature needs a name"),
        ("size: 32 }", "size: 24 }", "heatmap|takes"),
    ],
)
def test_what_is_refused_is_named(folder, old, new, message):
    path = changed(folder, old, new)
    with pytest.raises(ProtofaceError, match=message) as error:
        load(folder)
    assert "stage" in str(error.value)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value) or "deploy.prototxt" in str(error.value)


def test_a_window_that_begins_needs_no_stage_before(folder):
    assert read_definition(folder / "cascade.prototxt").stage[0].view[0].pixels.window.similarity.start


def test_a_heat_map_of_another_size_is_refused(folder):
    path = folder / "cascade.prototxt"
    path.write_text(re.sub(r"heatmap { size: 32 }", "heatmap { size: 24 }", path.read_text()))
    with pytest.raises(
        ProtofaceError, match="needs? .*1 x 24 x 24|makes an input of shape 1 x 24 x 24"
    ):
        load(folder)
