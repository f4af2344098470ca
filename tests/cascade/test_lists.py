"""Annotation lists, with and without CelebA's header."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from protoface.cascade.lists import Matching, read_list
from protoface.converters import ProtofaceError


def test_lists_with_and_without_header_are_alike(tmp_path):
    rows = "a.jpg 1 2 3 4\nwith space.jpg  5 6.5\t7 -8\n"
    (tmp_path / "plain.txt").write_text(rows)
    (tmp_path / "celeba.txt").write_text("2\nx_1 y_1 width height\n" + rows + "\n")
    for name in ("plain.txt", "celeba.txt"):
        found = read_list(tmp_path / name, 4)
        assert list(found) == ["a.jpg", "with space.jpg"]
        np.testing.assert_array_equal(found["with space.jpg"], [5, 6.5, 7, -8])


def test_the_lists_of_the_reference_data(shared):
    demo = read_list(shared / "original" / "demo_landmarks.txt", 10)
    assert len(demo) == 8
    np.testing.assert_array_equal(demo["000133.jpg"][:4], [271, 150, 332, 150])
    assert len(read_list(shared / "faces" / "net7876" / "list_landmarks_celeba.txt", 10)) == 7869
    assert len(read_list(shared / "faces" / "net7876" / "list_bbox_celeba.txt", 4)) == 7869


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg 1 2 3\n", r"line 1: not a name and 4 numbers: 'a.jpg 1 2 3'"),
        ("a.jpg 1 2 3 4\nb.jpg 1 2 x 4\n", "line 2: not a name and 4 numbers"),
        ("a.jpg 1 2 3 nan\n", "line 1: not a name and 4 numbers"),
        ("a.jpg 1 2 3 4 5\n", "line 1: more than 4 numbers"),
        ("a.jpg 1 2 3 4\na.jpg 1 2 3 4\n", "line 2: 'a.jpg' is listed a second time"),
        ("3\nx y w h\na.jpg 1 2 3 4\n", "announces 3 pictures but lists 1"),
        ("0\nx y w h\n", "lists no picture"),
        ("", "the file is empty"),
        ("\n\n", "lists no picture"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(ProtofaceError, match=rf"list.txt: {message}"):
        read_list(tmp_path / "list.txt", 4)


def test_files_that_are_no_text_are_named(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProtofaceError, match=r"list.txt: not a text file \(byte 0"):
        read_list(tmp_path / "list.txt", 4)


ROOT = Path("/pictures")


def found(names: list[str], path: str) -> str | None:
    return Matching({name: f"entry {name}" for name in names}).find(ROOT / path, ROOT)


def test_a_picture_is_found_by_its_path_then_by_its_name():
    names = ["x.jpg", "a/x.jpg", "b/y.jpg"]
    assert found(names, "x.jpg") == "entry x.jpg"
    assert found(names, "a/x.jpg") == "entry a/x.jpg"  # not that of its namesake
    assert found(names, "y.jpg") == "entry b/y.jpg"  # a folder of the listed ones was given
    assert found(["x.jpg"], "c/d/x.jpg") == "entry x.jpg"  # a list of bare names
    assert found(names, "z.jpg") is None
    assert found(names, "a/y.png") is None


def test_a_name_of_several_pictures_is_refused():
    with pytest.raises(
        ProtofaceError,
        match="/pictures/c/x.jpg: the list has no 'c/x.jpg', but 2 pictures 'x.jpg', such as 'a/x",
    ):
        found(["a/x.jpg", "b/x.jpg"], "c/x.jpg")


def test_looking_up_does_not_search_the_list():
    """A search for each picture would take half an hour for a list as long as CelebA's."""

    class Searched(dict[str, int]):
        times = 0

        def __iter__(self) -> Iterator[str]:
            self.times += 1
            return super().__iter__()

    entries = Searched({f"set/{number}.jpg": number for number in range(100)})
    matching = Matching(entries)
    assert [matching.find(ROOT / f"{n}.jpg", ROOT) for n in range(101)] == [*range(100), None]
    assert entries.times == 1
