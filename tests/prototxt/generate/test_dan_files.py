"""The texts of a Deep Alignment Network: its mean face, its cascade."""

import numpy as np
import pytest

from protoface.cascade import find_layout
from protoface.cascade.definition import read_definition
from protoface.converters import ProtofaceError
from protoface.prototxt.generate import Size
from protoface.prototxt.generate.dan_files import cascade_text, files, framed, mean_face


def test_the_mean_face_fills_half_of_the_input():
    face = framed(mean_face(68, None), 112)
    assert (face.max(axis=0) - face.min(axis=0)).max() == pytest.approx(56)
    np.testing.assert_allclose(face.mean(axis=0), 55.5)


def test_it_is_left_right_symmetric():
    face = mean_face(68, None)
    mirrored = face[list(find_layout("ibug68").flip)] * (-1, 1)
    np.testing.assert_allclose(mirrored, face, atol=2e-4)


def test_the_cascade_is_read(tmp_path):
    text = cascade_text(Size(64, points=68, net="dan_mobile"), ["a", "b", "c"], np.eye(68, 2))
    (tmp_path / "cascade.prototxt").write_text(text)
    definition = read_definition(tmp_path / "cascade.prototxt")
    assert [len(stage.view) for stage in definition.stage] == [1, 3, 3]
    assert [len(stage.answer) for stage in definition.stage] == [2, 2, 1]
    starts = [stage.view[0].pixels.window.similarity.start for stage in definition.stage]
    assert starts == [True, False, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("shape: [1, 2, 3]", "has 3 numbers; 136 are"),
        ("shape: [" + ", ".join(["1"] * 136) + "]", "has 136 numbers; 136 are"),
        ("form: 1", "form"),
    ],
)
def test_bad_shapes(tmp_path, content, message):
    file = tmp_path / "shape.prototxt"
    file.write_text(content)
    with pytest.raises(ProtofaceError, match=message) as error:
        mean_face(68, file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("points", "message"), [(7, "7 points have no layout"), (98, "no mean face of 98 points")]
)
def test_points_without_a_face(points, message):
    with pytest.raises(ProtofaceError, match=message):
        files(Size(64, points=points, net="dan_mobile"), 2, None, "")
