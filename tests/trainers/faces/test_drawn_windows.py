"""Windows that are drawn: of the kind that was asked for, in their pictures, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.trainers.faces.drawn_windows import WindowDrawer
from protoface.trainers.faces.face_scene import Scene
from protoface.trainers.faces.face_table import NEGATIVE, PART, POSITIVE, Limits, make_table

from .test_face_table import scene

SCENES = [
    scene([(10, 12, 24, 30), (60, 50, 30, 36)], [False, False]),
    scene([], []),
    scene([(70, 70, 30, 30), (5, 5, 40, 40)], [False, True]),
]


def drawer(scenes: list[Scene], least: float = 12, inside: bool = True) -> WindowDrawer:
    sizes = np.tile((100.0, 96.0), (len(scenes), 1))
    return WindowDrawer(make_table(scenes), sizes, np.ones(len(scenes)), Limits(), least, inside)


@pytest.mark.parametrize("kind", [NEGATIVE, POSITIVE, PART])
@pytest.mark.parametrize("inside", [True, False])
def test_windows_are_of_the_kind_asked_for(kind: int, inside: bool) -> None:
    one = drawer(SCENES, inside=inside)
    windows = one.draw(kind, 200, np.random.default_rng(0))
    judged = one.table.judge(windows.pictures, windows.boxes, Limits())
    assert len(windows) == 200
    assert (judged.kinds == kind).all()
    assert (judged.faces == windows.faces).all()
    assert (windows.boxes[:, 2] == windows.boxes[:, 3]).all()
    assert windows.boxes[:, 2].min() >= 12
    if inside:
        assert windows.boxes[:, :2].min() >= 0
        assert ((windows.boxes[:, :2] + windows.boxes[:, 2:]) <= (100.0001, 96.0001)).all()


def test_positive_windows_reach_beyond_the_picture_where_they_may() -> None:
    beyond = drawer(SCENES[2:], inside=False).draw(POSITIVE, 200, np.random.default_rng(0))
    assert ((beyond.boxes[:, :2] + beyond.boxes[:, 2:]) > (100, 96)).any()


def test_the_same_seed_draws_the_same() -> None:
    first, second = (drawer(SCENES).draw(PART, 50, np.random.default_rng(5)) for _ in range(2))
    assert (first.boxes == second.boxes).all()
    assert (first.faces == second.faces).all()


def test_no_windows_are_drawn_on_ignored_faces() -> None:
    windows = drawer(SCENES).draw(POSITIVE, 100, np.random.default_rng(0))
    assert set(windows.faces.tolist()) == {0, 1, 2}


def test_the_faces_of_a_picture_count_by_the_root_of_their_number() -> None:
    crowd = scene(
        [(20 * column, 20 * row, 18, 18) for row in range(4) for column in range(4)], [False] * 16
    )
    windows = drawer([crowd, scene([(30, 30, 30, 30)], [False])]).draw(
        POSITIVE, 2000, np.random.default_rng(0)
    )
    assert 0.72 < (windows.pictures == 0).mean() < 0.88  # 4 to 1


def test_none_of_a_kind_are_drawn_if_none_are_asked_for() -> None:
    assert len(drawer(SCENES[1:2]).draw(POSITIVE, 0, np.random.default_rng(0))) == 0


def test_pictures_without_windows_of_a_kind() -> None:
    generator = np.random.default_rng(0)
    assert not drawer(SCENES[1:2]).may_draw(POSITIVE)
    with pytest.raises(ProtofaceError, match="no square window of 12 pixels and more is a face; add"):
        drawer(SCENES[1:2]).draw(POSITIVE, 1, generator)
    with pytest.raises(ProtofaceError, match="of 90 pixels and more is a part of a face"):
        drawer(SCENES, least=90).draw(PART, 1, generator)
    with pytest.raises(ProtofaceError, match="beside the faces; add pictures without faces"):
        drawer(SCENES, least=99).draw(NEGATIVE, 1, generator)
    narrow = scene([(10, 10, 10, 60)], [False])
    with pytest.raises(ProtofaceError, match="is a face; add pictures with larger faces, or lower"):
        drawer([narrow]).draw(POSITIVE, 1, generator)


def test_a_face_over_all_of_the_picture_leaves_no_background() -> None:
    covered = scene([(0, 0, 100, 96)], [True])
    with pytest.raises(ProtofaceError, match="beside the faces"):
        drawer([covered]).draw(NEGATIVE, 1, np.random.default_rng(0))
