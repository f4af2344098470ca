"""WFLW's lists: fields, rectangles, attributes, several faces of one picture."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import list_dataset, read_dataset
from protoface.eval.datasets.wflw import ATTRIBUTES, FOLDERS, LISTS
from protoface.trainers.sets.prepare import prepare

from .face_folders import write_picture, write_wflw

POINTS = np.random.default_rng(0).uniform(10, 50, (3, 98, 2))


@pytest.fixture
def folder(tmp_path):
    train = [("0--Parade/a.png", POINTS[0], (1, 0, 0, 0, 0, 1))]
    test = [("1--Event/b.png", POINTS[1]), ("1--Event/b.png", POINTS[2], (0, 0, 0, 1, 0, 0))]
    for name, *_ in (*train, *test):
        write_picture(tmp_path / "wflw" / "WFLW_images" / name)
    return write_wflw(tmp_path / "wflw", train=train, test=test)


def test_points_rectangles_flags_and_names(folder):
    found = read_dataset(folder)
    assert found.names == ("0--Parade/a.png", "1--Event/b.png", "1--Event/b.png")
    np.testing.assert_allclose(found.truth, POINTS)
    corners = POINTS[1].min(0) - 5, POINTS[1].max(0) + 5
    np.testing.assert_allclose(found.boxes[1], [*corners[0], *(corners[1] - corners[0])])
    assert tuple(found.attributes) == ATTRIBUTES
    flags = np.array(list(found.attributes.values())).T.astype(int).tolist()
    assert flags == [[1, 0, 0, 0, 0, 1], [0] * 6, [0, 0, 0, 1, 0, 0]]
    np.testing.assert_allclose(
        found.inter_ocular, np.linalg.norm(POINTS[:, 60] - POINTS[:, 72], axis=1)
    )


def test_lists_are_partitions(folder):
    assert read_dataset(folder, "train").names == ("0--Parade/a.png",)
    assert len(read_dataset(folder, "test")) == 2
    assert len(read_dataset(folder, "1--Event")) == 2
    (folder / FOLDERS[0] / LISTS["train"]).unlink()
    assert len(read_dataset(folder)) == 2
    (folder / FOLDERS[0] / LISTS["train"]).touch()  # nothing to train with is no mistake
    assert len(read_dataset(folder)) == 2


@pytest.mark.parametrize("place", FOLDERS[1:])
def test_lists_may_lie_elsewhere(place, folder):
    (folder / place).mkdir(exist_ok=True)
    for name in LISTS.values():
        (folder / FOLDERS[0] / name).rename(folder / place / name)
    assert len(read_dataset(folder)) == 3


def test_a_missing_picture_is_named_once_for_each_face(folder):
    (folder / "WFLW_images" / "1--Event" / "b.png").unlink()
    found = read_dataset(folder)
    assert len(found) == 1
    assert len(found.skipped) == 2
    assert "1--Event/b.png: listed, but there is no such picture" in found.skipped[0]


def test_prepare_writes_one_face_of_a_picture_only(folder, tmp_path):
    with pytest.raises(ProtofaceError, match="'1--Event/b.png' shows several faces"):
        prepare(folder, tmp_path / "out")


def line(
    *, fields: int = 206, flags: str = "0 0 0 0 0 0", value: str = "1", name: str = "a.jpg"
) -> str:
    return " ".join([*[value] * (fields - 6), flags, name])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(fields=205), "line 2: 206 fields, needs 207"),
        (line(fields=207), "line 2: 208 fields, needs 207"),
        (line(value="x"), "line 2: could not convert string to float: 'x'"),
        (line(value="inf"), "line 2: a number is not finite"),
        (line(flags="0 0 2 0 0 0"), "line 2: the flags are 0 0 2 0 0 0, each must be 0 or 1"),
    ],
)
def test_mistakes_name_list_and_line(text, message, folder):
    (folder / FOLDERS[0] / LISTS["test"]).write_text(f"{line()}\n{text}\n")
    with pytest.raises(ProtofaceError, match=f"attr_test.txt: {message}"):
        list_dataset(folder)


def test_real_lists(shared):
    found = read_dataset(shared / "faces" / "wflw")
    assert (len(found.partition("train")), len(found.partition("test"))) == (3187, 507)
    test = found.partition("test")
    counts = {name: int(flags.sum()) for name, flags in test.attributes.items()}
    assert all(20 < count < 400 for count in counts.values()), counts
    # here a rectangle is the bounds of the points
    low = test.truth.min(axis=1)
    assert np.abs(low - test.boxes[:, :2]).max() < 2
