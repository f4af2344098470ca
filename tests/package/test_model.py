"""The models of the package by name, and `detect`, which loads each of them once."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface import ProtofaceError, detect, load, model, models
from protoface.cascade.definition import NAMES

from ..constant_cascade import SECOND


@pytest.fixture(autouse=True)
def nothing_loaded():
    model._loaded.cache_clear()
    yield
    model._loaded.cache_clear()


def test_every_model_says_what_it_is():
    found = models()
    assert list(found) == list(NAMES)
    for name, entry in found.items():
        assert entry.name == name
        assert (entry.layout, len(entry.points)) == ("celeba5", 5)
        assert entry.summary.endswith(".")
        assert not set("[]`#\n") & set(entry.summary)


def test_what_the_weights_may_be_used_for():
    found = models()
    assert found["fast"].licence == "Weights for research use"
    assert "research" in found["fast"].notice
    assert (found["synthetic"].licence, found["synthetic"].notice) == ("Apache License", "")
    assert (found["original"].licence, found["original"].notice) == ("", "")


def test_a_picture_and_its_file_give_the_points_of_the_cascade(folder, face):
    image = cv2.imread(str(face))
    expected = load(folder).detect(image)
    for given in (image, face, str(face)):
        (found,) = detect(given, folder)
        np.testing.assert_array_equal(found.points, expected[0].points)
    assert found.points.shape == SECOND.shape


def test_a_box_gives_a_face_each(folder, face):
    boxes = [(0, 0, 40, 40), (20, 10, 30, 40)]
    found = detect(face, str(folder), boxes)
    np.testing.assert_array_equal([one.box for one in found], boxes)
    assert detect(face, str(folder), []) == []


def test_a_model_is_loaded_once(folder, face, monkeypatch):
    loaded = []
    monkeypatch.setattr(model, "load", lambda name: loaded.append(name) or load(name))
    for name in (folder, str(folder)):
        detect(face, name)
    assert loaded == [str(folder)]


def test_the_model_is_group_if_none_is_named(face):
    image = cv2.imread(str(face))
    boxes = [[0, 0, image.shape[1], image.shape[0]]]  # what the test draws is no face to it
    (found,), (expected,) = detect(face, boxes=boxes), load("group").detect(image, boxes)
    np.testing.assert_array_equal(found.points, expected.points)
    assert found.score == expected.score
    assert detect(face) == []


def test_bad_input_is_named(folder, face, tmp_path: Path):
    with pytest.raises(ProtofaceError, match="nowhere: no such cascade; give a .* fast, "):
        detect(face, "nowhere")
    with pytest.raises(ProtofaceError, match=r"no\.jpg: No such file"):
        detect(tmp_path / "no.jpg", folder)
    with pytest.raises(ProtofaceError, match="must be H x W x 3 uint8 BGR, not float64"):
        detect(np.zeros((8, 8, 3)), folder)
