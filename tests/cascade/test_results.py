"""Rows of faces, as JSON Lines and as CSV."""

import csv
import json
import math

import numpy as np
import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.face import Face
from protoface.cascade.pictures import read_picture
from protoface.cascade.results import csv_lines, json_lines, row, seen

LAYOUT = load("fast").layout


@pytest.fixture
def found(face, folder) -> list[Face]:
    return load(folder).detect(read_picture(face))


def test_a_row_holds_what_was_found(found):
    one = json.loads(json.dumps(row(found[0])))
    assert set(one) == {"box", "score", "points", "level_1", "window"}
    np.testing.assert_array_equal(np.float32(one["points"]), found[0].points)
    np.testing.assert_array_equal(np.float32(one["level_1"]), found[0].stages[0])
    assert (one["score"], one["box"]) == (None, found[0].box.tolist())
    assert one["window"] == found[0].windows[-1].tolist()


def test_json_has_null_for_what_is_no_number(found):
    points = np.float32([(1, math.nan), (math.inf, 2)])
    face = Face(np.full(4, math.nan), 0.5, points, (points,), found[0].windows)
    one = row(face)
    assert (one["points"], one["box"]) == ([[1, None], [None, 2]], [None] * 4)
    assert "NaN" not in json.dumps(one)


def test_lines_are_written_when_they_are_found(found, tmp_path):
    """Into a file of another name, which takes its place in the end."""
    path = tmp_path / "points.jsonl"
    with json_lines(path) as write:
        write(seen("a.png", found))
        write(seen("film.mp4", found, 7))
        assert not path.exists()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["path"], one.get("frame"), one["face"]) for one in rows] == [
        *(("a.png", None, 0), ("film.mp4", 7, 0))
    ]


def test_csv_holds_the_same_as_json(found, tmp_path):
    face = Face(found[0].box, 0.25, found[0].points, found[0].stages, found[0].windows)
    with csv_lines(tmp_path / "points.csv", LAYOUT) as write:
        write(seen("a, b.png", found))
        write(seen("film.mp4", [face, face], 7))
    with (tmp_path / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(one["path"], one["frame"], one["face"], one["score"]) for one in rows] == [
        *(("a, b.png", "", "0", ""), ("film.mp4", "7", "0", "0.25"), ("film.mp4", "7", "1", "0.25"))
    ]
    assert float(rows[0]["nose_y"]) == row(found[0])["points"][LAYOUT.points.index("nose")][1]
    assert [float(rows[0][name]) for name in ("x", "y", "width", "height")] == found[0].box.tolist()


def test_names_that_are_not_utf8_come_back(found, tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    with csv_lines(tmp_path / "a.csv", LAYOUT) as to_csv, json_lines(tmp_path / "a.jsonl") as to_json:
        to_csv(seen(name, found))
        to_json(seen(name, found))
    assert b"\ncaf\xe9.png," in (tmp_path / "a.csv").read_bytes()
    assert json.loads((tmp_path / "a.jsonl").read_text())["path"] == name


def test_rows_of_a_job_that_fails_are_not_left_behind(found, tmp_path):
    def fail():
        with json_lines(tmp_path / "points.jsonl") as write:
            write(seen("a.png", found))
            raise ProtofaceError("the disk is gone")

    with pytest.raises(ProtofaceError):
        fail()
    assert [path.name for path in tmp_path.iterdir() if "points" in path.name] == []
