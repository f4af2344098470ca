"""A folder of pictures without a list: no faces at all."""

import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import list_set, read_dataset, read_set

from .face_folders import write_picture


def test_its_pictures_have_no_faces(tmp_path):
    for name in ("b.png", "a.jpg", ".hidden.png"):
        write_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    found = read_set(tmp_path)
    assert found.names == ("a.jpg", "b.png")
    assert (found.faces, [boxes.shape for boxes in found.boxes]) == (0, [(0, 4)] * 2)
    with pytest.raises(ProtofaceError, match="does not say which pictures are for train"):
        read_set(tmp_path, "train")
    with pytest.raises(ProtofaceError, match="holds pictures without points of faces"):
        read_dataset(tmp_path)


def test_pictures_further_down_are_those_of_a_set_whose_list_is_missing(tmp_path):
    write_picture(tmp_path / "images" / "a.png")
    with pytest.raises(ProtofaceError, match="holds no annotated set that can be read"):
        list_set(tmp_path)


def test_the_real_background(shared):
    assert len(read_set(shared / "faces" / "background")) == 328
