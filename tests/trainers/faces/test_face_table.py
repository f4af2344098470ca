"""Windows by their overlap with faces, against one pair of boxes at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from protoface.trainers.faces.face_scene import Floats, Scene
from protoface.trainers.faces.face_table import (
    NEGATIVE,
    NEITHER,
    PART,
    POSITIVE,
    FaceTable,
    Limits,
    make_table,
    shares,
)


def scene(boxes: list[tuple[float, ...]], ignored: list[bool]) -> Scene:
    count = len(boxes)
    array = np.array(boxes, np.float64).reshape(-1, 4)
    return Scene(Path("x"), array, np.full((count, 5, 2), np.nan), np.array(ignored, np.bool_))


def some_scenes(generator: np.random.Generator) -> list[Scene]:
    """Pictures with 0 to 5 faces, some of them ignored."""
    scenes = []
    for count in (3, 0, 5, 1, 0):
        boxes = np.concatenate(
            (generator.uniform(0, 60, (count, 2)), generator.uniform(8, 40, (count, 2))), axis=1
        )
        scenes.append(scene([tuple(box) for box in boxes], list(generator.random(count) < 0.3)))
    return scenes


def common(window: Floats, box: Floats) -> float:
    """The area that two boxes share."""
    across = min(window[0] + window[2], box[0] + box[2]) - max(window[0], box[0])
    down = min(window[1] + window[3], box[1] + box[3]) - max(window[1], box[1])
    return max(across, 0) * max(down, 0)


def plain_kind(window: Floats, one: Scene, limits: Limits) -> tuple[int, int]:
    """Kind of one window, and the index of its face."""
    best, owner, covered = 0.0, -1, False
    for index, box in enumerate(one.boxes):
        shared, areas = common(window, box), (window[2] * window[3], box[2] * box[3])
        if one.ignored[index]:
            covered |= shared >= limits.negative * min(areas)
        elif shared / (sum(areas) - shared) > best:
            best, owner = shared / (sum(areas) - shared), index
    if best >= limits.positive:
        return POSITIVE, owner
    if best >= limits.part:
        return PART, owner
    return (NEGATIVE if best < limits.negative and not covered else NEITHER), owner


@pytest.mark.parametrize("limits", [Limits(), Limits(0.5, 0.5, 0.1), Limits(0.75, 0.3, 0.3)])
def test_kinds_are_those_of_a_plain_loop(limits: Limits) -> None:
    generator = np.random.default_rng(1)
    scenes = some_scenes(generator)
    table, seen = make_table(scenes), set()
    pictures = generator.integers(len(scenes), size=400)
    windows = np.repeat(generator.uniform(0, 60, (400, 2)), 2, axis=1)
    windows[:, 2:] = generator.uniform(6, 50, (400, 1))
    for row in range(0, 400, 2):  # half of them on faces
        if len(scenes[pictures[row]]):
            face = scenes[pictures[row]].boxes[0]
            windows[row] = (*(face[:2] + generator.normal(0, 3, 2)), *[np.sqrt(face[2] * face[3])] * 2)
    judged = table.judge(pictures, windows, limits)
    for row, picture in enumerate(pictures.tolist()):
        kind, owner = plain_kind(windows[row], scenes[picture], limits)
        seen.add(kind)
        assert judged.kinds[row] == kind
        assert judged.faces[row] == (owner if owner < 0 else owner + table.starts[picture])
    assert {POSITIVE, NEGATIVE} < seen


def test_of_two_faces_the_one_that_overlaps_more_counts() -> None:
    table = make_table([scene([(0, 0, 20, 20), (4, 0, 20, 20)], [False, False])])
    judged = table.judge(np.array([0]), np.array([[3.0, 0, 20, 20]]), Limits())
    assert judged.faces.tolist() == [1]
    assert judged.overlaps == pytest.approx([19 / 21])


def test_an_ignored_face_is_neither_a_face_nor_background() -> None:
    table = make_table([scene([(0, 0, 20, 20)], [True])])
    windows = np.array([[0.0, 0, 20, 20], [0, 0, 60, 60], [30, 30, 20, 20]])
    judged = table.judge(np.zeros(3, np.int64), windows, Limits())
    # the second one holds all of it, though its overlap is 1 / 9
    assert judged.kinds.tolist() == [NEITHER, NEITHER, NEGATIVE]
    assert judged.faces.tolist() == [-1, -1, -1]


def test_pictures_without_faces() -> None:
    table = make_table([scene([], []), scene([], [])])
    assert isinstance(table, FaceTable)
    assert len(table.picture) == 0
    judged = table.judge(np.array([1, 0]), np.array([[0.0, 0, 9, 9], [3, 3, 9, 9]]), Limits())
    assert judged.kinds.tolist() == [NEGATIVE, NEGATIVE]


def test_shares() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5, 0, 10, 10], [10, 0, 10, 10]])
    assert shares(boxes[:1], boxes) == pytest.approx([1, 1 / 3, 0])
