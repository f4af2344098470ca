"""Sets of 68 points as CSV."""

import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import read_dataset

from .face_folders import write_csv, write_picture

POINTS = np.random.default_rng(0).uniform(0, 50, (2, 68, 2))


@pytest.mark.parametrize("header", [True, False])
def test_68_points_are_read_and_become_five(header, tmp_path):
    write_csv(tmp_path, {f"{i}.png": POINTS[i] for i in (0, 1)}, header)
    for i in (0, 1):
        write_picture(tmp_path / f"{i}.png")
    found = read_dataset(tmp_path)
    assert found.names == ("0.png", "1.png")
    np.testing.assert_array_equal(found.truth, POINTS)
    five = found.as_layout(find_layout("celeba5"))
    np.testing.assert_allclose(five.truth[1, 0], POINTS[1, 36:42].mean(axis=0))
    np.testing.assert_allclose(five.truth[1, 1], POINTS[1, 42:48].mean(axis=0))
    np.testing.assert_allclose(five.truth[1, 2:], POINTS[1, [30, 48, 54]])
    np.testing.assert_allclose(five.inter_ocular[1], np.linalg.norm(POINTS[1, 36] - POINTS[1, 45]))
    assert found.boxes is None


def test_it_goes_before_celebas_list(celeba):
    write_csv(celeba, {f"{i:03d}.png": POINTS[i] for i in (0, 1)})
    found = read_dataset(celeba, "train")
    assert found.layout.name == "ibug68"
    assert found.names == ("000.png", "001.png")
    np.testing.assert_array_equal(found.boxes[1], [20, 20, 40, 40])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png,1,2,3", "line 1: 4 columns, needs a name and 68 times x, y"),
        ("a" + ",x" * 136, "line 1: could not convert string to float: 'x'"),
        ("name,x0\na" + ",1" * 135 + ",inf", "line 2: a number is not finite"),
        ("a" + ",1" * 136 + "\na" + ",2" * 136, "line 2: 'a' is listed a second time"),
        ("name,x0\n", "lists no picture"),
    ],
)
def test_mistakes_name_the_line(text, message, tmp_path):
    (tmp_path / "landmarks68.csv").write_text(text)
    with pytest.raises(ProtofaceError, match=f"landmarks68.csv: {message}"):
        read_dataset(tmp_path)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "landmarks68.csv").write_bytes(b"a,\xff")
    with pytest.raises(ProtofaceError, match="landmarks68.csv: not a text file"):
        read_dataset(tmp_path)
