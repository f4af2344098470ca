"""CelebA's lists: the one reader of eval, prepare and the experiment."""

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.celeba import FOLDERS
from protoface.eval.datasets.dataset import list_dataset, read_dataset
from protoface.trainers.sets.prepare import prepare

from ..celeba_set import FACE


def test_lists_and_boxes(celeba):
    found = read_dataset(celeba, "test")
    assert found.name == "set test"
    assert [path.name for path in found.paths] == ["007.png", "008.png", "009.png"]
    np.testing.assert_array_equal(found.truth[0], FACE + (7, 0))
    np.testing.assert_array_equal(found.inter_ocular, [30] * 3)
    np.testing.assert_array_equal(found.distance("inter_pupil"), [30] * 3)
    np.testing.assert_array_equal(found.boxes[0], [20, 20, 40, 40])
    assert len(read_dataset(celeba)) == 10
    assert read_dataset(celeba).name == "set all"


@pytest.mark.parametrize("name", [*FOLDERS, "."])
def test_pictures_may_lie_where_celeba_has_them(name, celeba):
    if name == ".":
        for path in (celeba / "images").iterdir():
            path.rename(celeba / path.name)
        (celeba / "images").rmdir()
    else:
        (celeba / "images").rename(celeba / name)
    assert len(read_dataset(celeba)) == 10


def test_eval_and_prepare_read_the_same_pictures(celeba, tmp_path):
    """A folder with all of FOLDERS: the pictures in the wild are those that the points are of."""
    for grey, name in enumerate(FOLDERS):
        (celeba / name).mkdir(exist_ok=True)
        for number in range(10):
            picture = np.full((70, 80, 3), 100 * grey, np.uint8)
            cv2.imwrite(str(celeba / name / f"{number:03d}.png"), picture)
    found = read_dataset(celeba)
    assert found.folder == celeba / "img_celeba"
    prepare(celeba, tmp_path / "out", workers=1)
    written = [cv2.imread(str(path)) for path in (tmp_path / "out").rglob("*.png")]
    assert len(written) == 10
    assert all((picture == 0).all() for picture in written)


def test_names_may_be_paths(celeba):
    (celeba / "images" / "more").mkdir()
    for path in list((celeba / "images").glob("*.png")):
        path.rename(celeba / "images" / "more" / path.name)
    for path in celeba.glob("*.txt"):
        path.write_text(path.read_text().replace("\n0", "\nmore/0").replace("000.png", "more/000.png"))
    (celeba / "list_eval_partition.txt").write_text(
        "\n".join(f"more/{number:03d}.png {int(number > 6) * 2}" for number in range(10))
    )
    text = (celeba / "list_landmarks_celeba.txt").read_text().replace("more/more/", "more/")
    (celeba / "list_landmarks_celeba.txt").write_text(text)
    (celeba / "list_bbox_celeba.txt").unlink()
    found = read_dataset(celeba, "test")
    assert found.names == ("more/007.png", "more/008.png", "more/009.png")
    assert found.partition("more").names == found.names


def test_names_without_points_are_skipped_where_their_part_is_asked_for(celeba):
    with (celeba / "list_eval_partition.txt").open("a") as file:
        file.write("\nghost.png 2\nother.png 0")
    assert read_dataset(celeba, "test").skipped == (
        "ghost.png: in the partition, but it has no points",
    )
    assert read_dataset(celeba, "val").skipped == ()
    assert read_dataset(celeba).skipped == ()


def test_names_without_a_part_are_in_none(celeba):
    (celeba / "list_eval_partition.txt").write_text("000.png 2\n001.png 0")
    assert read_dataset(celeba, "test").names == ("000.png",)
    assert len(read_dataset(celeba)) == 10
    assert list_dataset(celeba, seed=0).parts.tolist() == [2, 0, *[-1] * 8]  # no part is drawn then


def test_a_picture_without_a_box_has_none(celeba):
    (celeba / "list_bbox_celeba.txt").write_text("007.png 1 2 3 4")
    boxes = read_dataset(celeba, "test").boxes
    np.testing.assert_array_equal(boxes[0], [1, 2, 3, 4])
    assert np.isnan(boxes[1:]).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list_eval_partition.txt", "000.png 0", "the partition 'test' is empty"),
        ("list_eval_partition.txt", "000.png 3", "partition.txt: '000.png' is in part 3, not in 0, 1"),
        ("list_eval_partition.txt", "000.png x", "partition.txt: line 1: not a name and 1 numbers"),
        (
            "list_landmarks_celeba.txt",
            "000.png 1 2 3",
            "landmarks_celeba.txt: line 1: not a name and 10",
        ),
        ("list_bbox_celeba.txt", "000.png 1 2 3", "bbox_celeba.txt: line 1: not a name and 4 numbers"),
    ],
)
def test_mistakes_name_the_list(name, text, message, celeba):
    (celeba / name).write_text(text)
    with pytest.raises(ProtofaceError, match=message):
        read_dataset(celeba, "test")


def test_real_lists(shared):
    found = list_dataset(shared / "faces" / "net7876")
    assert np.bincount(found.parts).tolist() == [5256, 586, 2027]
    assert len(read_dataset(shared / "faces" / "lfw80", "val")) > 100
