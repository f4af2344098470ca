"""WIDER FACE's lists: boxes, ignored faces, pictures without any, where things lie, mistakes."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.box_set import BoxSet
from protoface.eval.datasets.dataset import list_dataset, list_set, read_dataset, read_set
from protoface.eval.datasets.wider import ATTRIBUTES, read_wider, read_wider_list

from .wider_set import INVALID, write_wider

TRAIN = {
    "0--Parade/a.png": [(1, 2, 30, 40), (5.5, 6.25, 7, 8, *INVALID)],
    "1--Event/none.png": [],
    "1--Event/b.png": [(0, 0, 0, 9, 2, 1, 1, 0, 2, 1)],
}
VAL = {"0--Parade/c.png": [(3, 4, 5, 6)]}


@pytest.fixture
def folder(tmp_path):
    return write_wider(tmp_path / "wider", train=TRAIN, val=VAL)


def test_boxes_flags_and_names(folder):
    found = read_set(folder)
    assert isinstance(found, BoxSet)
    train = [f"WIDER_train/images/{name}" for name in TRAIN]
    assert found.names == (*train, *(f"WIDER_val/images/{name}" for name in VAL))
    assert all(path.is_file() for path in found.paths)
    np.testing.assert_array_equal(found.boxes[0], [(1, 2, 30, 40), (5.5, 6.25, 7, 8)])
    assert found.boxes[1].shape == (0, 4)
    # a box without an area cannot be found
    assert [flags.tolist() for flags in found.ignored] == [[False, True], [], [True], [False]]
    assert tuple(found.attributes) == ATTRIBUTES
    assert [int(flags[2][0]) for flags in found.attributes.values()] == [2, 1, 1, 0, 2, 1]
    assert (len(found), found.faces, found.ignored_faces) == (4, 4, 2)


def test_lists_are_partitions(folder):
    assert len(read_set(folder, "train")) == 3
    (only,) = read_set(folder, "val")
    assert (only.name, only.part) == ("WIDER_val/images/0--Parade/c.png", "val")
    assert len(read_set(folder, "WIDER_train/images/1--Event")) == 2
    with pytest.raises(ProtofaceError, match="the partition 'test' is empty"):
        read_set(folder, "test")
    (folder / "wider_face_split" / "wider_face_train_bbx_gt.txt").unlink()
    assert len(read_wider(folder)) == 1


def test_pictures_and_lists_may_lie_elsewhere(folder, tmp_path):
    plain = write_wider(tmp_path / "plain", plain=True, train=TRAIN, val=VAL)
    assert read_set(plain).names[0] == "images/0--Parade/a.png"
    for path in (folder / "wider_face_split").iterdir():
        path.rename(folder / path.name)
    assert len(read_set(folder)) == 4
    (tmp_path / "bare" / "x").mkdir(parents=True)
    (tmp_path / "bare" / "wider_face_val_bbx_gt.txt").write_text("x/a.png\n0\n")
    assert list_set(tmp_path / "bare").names == ("x/a.png",)


def test_a_missing_picture_is_named(folder):
    (folder / "WIDER_val" / "images" / "0--Parade" / "c.png").unlink()
    found = read_set(folder)
    assert len(found) == 3
    assert "c.png: listed, but there is no such picture" in found.skipped[0]


def test_a_picture_without_faces_has_a_line_of_zeros_or_none(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \nb.jpg\n0\nc.jpg\n1\n1 2 3 4 0 0 0 0 0 0\r\n\n")
    assert [(entry.name, len(entry.faces)) for entry in read_wider_list(path)] == [
        ("a.jpg", 0), ("b.jpg", 0), ("c.jpg", 1),
    ]  # fmt: skip


GOOD = "a.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GOOD}b.jpg", "line 5: the list ends after 'b.jpg'; needs its number of faces"),
        (f"{GOOD}b.jpg\nmany", "line 5: not the number of faces of 'b.jpg': 'many'"),
        (f"{GOOD}b.jpg\n-1", "line 5: not the number of faces of 'b.jpg': '-1'"),
        (f"{GOOD}b.jpg\n2\n1 2 3 4 0 0 0 0 0 0", "line 4: 'b.jpg' has 1 lines of faces, needs 2"),
        (
            f"{GOOD}b.jpg\n1\n1 2 3 4",
            "line 6: not x y width height and 6 attributes of .*: '1 2 3 4'",
        ),
        (f"{GOOD}b.jpg\n1\n1 2 3 x 0 0 0 0 0 0", "line 6: not x y width height"),
        (f"{GOOD}b.jpg\n1\n1 2 inf 4 0 0 0 0 0 0", "line 6: not x y width height"),
        (f"{GOOD}b.jpg\n1\n1 2 -3 4 0 0 0 0 0 0", "line 6: a box of -3 x 4 pixels"),
        (f"{GOOD}b.jpg\n1\n1 2 3 4 0 0.5 0 0 0 0", "line 6: the attributes are 0 0.5 0 0 0 0"),
        (f"{GOOD}{GOOD}", "line 4: 'a.jpg' is listed a second time"),
        ("\n", "wider: its lists name no picture"),
    ],
)
def test_mistakes_name_list_and_line(text, message, tmp_path):
    (tmp_path / "wider").mkdir()
    (tmp_path / "wider" / "wider_face_val_bbx_gt.txt").write_text(text)
    with pytest.raises(ProtofaceError, match=message):
        list_set(tmp_path / "wider")


def test_what_needs_points_refuses_it(folder):
    for read in (list_dataset, read_dataset):
        with pytest.raises(ProtofaceError, match="without points of faces, .* none of landmarks68.csv"):
            read(folder)


def test_real_lists(shared):
    found = read_set(shared / "faces" / "wider")
    train, val = found.partition("train"), found.partition("val")
    assert (len(train), train.faces) == (1795, 13110)
    assert (len(val), val.faces) == (250, 2438)
    assert 0 < val.ignored_faces < 0.3 * val.faces
    assert found.skipped == ()
