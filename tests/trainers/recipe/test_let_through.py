"""Windows that the stages before keep: all of them, sorted by kind, kept in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.windows.halves import Halves
from protoface.converters import ProtofaceError
from protoface.trainers.faces.face_table import NEGATIVE, PART, POSITIVE, Limits
from protoface.trainers.recipe.classifier_options import classifier_view
from protoface.trainers.recipe.crop_sampler import Pixels
from protoface.trainers.recipe.let_through import let_through
from protoface.trainers.recipe.window_sampler import Album, Look

from ..faces.test_face_table import scene

STAGE = """
name: "second"
preprocess { size: 24 } window { box { square: true border: BLACK } }
"""


class Face:
    def __init__(self, box: tuple[float, ...]) -> None:
        self.box = np.array(box)


class StandIn:
    """In place of a recipe's run: its cascade finds what is written in it; it counts what it finds."""

    def __init__(self, out: Path) -> None:
        self.out, self.found, self.lines = out, 0, [""]
        self.definition = cascade_pb2.CascadeParameter()
        for name in ("first", "second"):
            self.definition.stage.add(name=name, weights=f"{name}.caffemodel")
        (out / "first.caffemodel").write_bytes(b"weights")
        self.report = self.lines.append

    def cascade(self, count: int) -> StandIn:
        assert count == 1
        return self

    def detect(self, image: np.ndarray) -> list[Face]:
        self.found += 1
        if not image.any():
            return []
        boxes = [(10, 10, 20, 24), (24, 11, 22, 22), (60, 60, 20, 18), (200, 200, 9, 9)]
        return [Face(box) for box in boxes]


def make_look() -> Look:
    stage = cascade_pb2.StageParameter()
    from google.protobuf import text_format

    text_format.Parse(STAGE, stage)
    return Look(classifier_view(stage, find_layout(DEFAULT), "x"), Pixels(stage.preprocess), 24, 24)


@pytest.fixture
def album() -> Album:
    """A picture with a face, an empty one, and one of which only one face is known."""
    images = [np.full((100, 100, 3), 9 * (number != 1), np.uint8) for number in range(3)]
    single = scene([(0, 0, 20, 20)], [False])
    object.__setattr__(single, "complete", False)
    scenes = [scene([(10, 10, 21, 23)], [False]), scene([], []), single]
    return Album([Halves(image) for image in images], scenes, np.ones(3))


def test_windows_are_sorted_by_what_the_stage_sees(tmp_path: Path, album: Album) -> None:
    run = StandIn(tmp_path)
    kinds = let_through(run, 1, album, make_look(), Limits(0.65, 0.15, 0.1))  # type: ignore[arg-type]
    assert run.found == 2  # not in the third
    assert kinds[POSITIVE].boxes.tolist() == [[10, 10, 20, 24]]
    assert kinds[PART].boxes.tolist() == [[24, 11, 22, 22]]
    assert kinds[NEGATIVE].boxes.tolist() == [[60, 60, 20, 18]]  # the one outside shows nothing
    assert kinds[POSITIVE].faces.tolist() == [0]
    assert "of 4 windows that the stages before keep, 1 are faces, 1 parts" in run.lines[-1]


def test_they_are_found_once(tmp_path: Path, album: Album) -> None:
    run = StandIn(tmp_path)
    first, second = (
        let_through(run, 1, album, make_look(), Limits())  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert run.found == 2
    assert (first[NEGATIVE].boxes == second[NEGATIVE].boxes).all()


def test_other_weights_find_them_again(tmp_path: Path, album: Album) -> None:
    run = StandIn(tmp_path)
    let_through(run, 1, album, make_look(), Limits())  # type: ignore[arg-type]
    (tmp_path / "first.caffemodel").write_bytes(b"others")
    let_through(run, 1, album, make_look(), Limits())  # type: ignore[arg-type]
    assert run.found == 4


def test_a_damaged_file(tmp_path: Path, album: Album) -> None:
    (tmp_path / "second.windows.npz").write_bytes(b"damaged")
    with pytest.raises(ProtofaceError, match=r"second\.windows\.npz: no windows of this stage"):
        let_through(StandIn(tmp_path), 1, album, make_look(), Limits())  # type: ignore[arg-type]
