"""Detection over files: what is written where, and that one bad picture does not stop the others."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.detect import Given, detect_paths, write_json
from protoface.cascade.pictures import open_video, read_picture


@pytest.fixture
def album(tmp_path: Path, face: Path) -> Path:
    """Two good pictures, one of them deeper down, and a bad one between them."""
    album = tmp_path / "album"
    (album / "deep").mkdir(parents=True)
    (album / "a.png").write_bytes(face.read_bytes())
    (album / "b.jpg").write_bytes(b"no picture")
    (album / "deep" / "c.png").write_bytes(face.read_bytes())
    return album


def test_a_bad_picture_is_listed_and_the_others_are_done(album, folder, tmp_path):
    out = tmp_path / "out"
    results = detect_paths(load(folder), [str(album)], Given(), out)
    assert [Path(row["path"]).name for row in results.entries] == ["a.png", "c.png"]
    assert len(results.bad) == 1
    assert "b.jpg: not a picture" in results.bad[0]
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*"))
    assert written == ["a.png", "deep/c.png"]
    assert (read_picture(out / "a.png") != read_picture(album / "a.png")).any()


def test_json_rows(face, folder, tmp_path):
    cascade = load(folder)
    results = detect_paths(cascade, [str(face)], Given())
    write_json(tmp_path / "points.json", results)
    (row,) = json.loads((tmp_path / "points.json").read_text())
    detection = cascade.detect(read_picture(face))
    assert set(row) == {"path", "points", "level_1", "window"}
    assert row["path"] == str(face)
    np.testing.assert_array_equal(np.float32(row["points"]), detection.points)
    np.testing.assert_array_equal(np.float32(row["level_1"]), detection.levels[0])
    assert row["window"] == detection.windows[-1].tolist()


def test_errors_are_over_the_diagonal_where_truth_is_given(face, folder):
    cascade = load(folder)
    detection = cascade.detect(read_picture(face))  # 80 x 60: the diagonal is 100 pixels
    truth = detection.points + np.float32((3, 4))
    results = detect_paths(cascade, [str(face)], Given(truth={"face.png": truth}))
    assert results.errors[0][1] == pytest.approx(0.05)


def test_given_boxes_are_used_and_a_missing_one_is_listed(album, folder):
    given = Given(boxes={"a.png": np.array([10, 10, 21, 21])})
    results = detect_paths(load(folder), [str(album)], given)
    assert len(results.entries) == 1
    assert results.entries[0]["level_1"][2] == pytest.approx([20, 20])
    assert "the list of boxes has none for 'c.png'" in results.bad[1]


def test_two_pictures_for_one_file_are_refused_before_anything_is_written(
    album, face, folder, tmp_path
):
    other = tmp_path / "other" / "a.png"
    other.parent.mkdir()
    other.write_bytes(face.read_bytes())
    out = tmp_path / "out"
    with pytest.raises(ProtofaceError, match=r"a.png: another picture is written to .*out/a.png too"):
        detect_paths(load(folder), [str(album), str(other)], Given(), out)
    assert not out.exists()
    assert len(detect_paths(load(folder), [str(album), str(other)], Given()).entries) == 3


def test_a_path_that_is_nothing_is_named(folder):
    with pytest.raises(ProtofaceError, match="nowhere.png: No such file"):
        detect_paths(load(folder), ["nowhere.png"], Given())


@pytest.mark.usefixtures("videos")
def test_every_frame_of_a_video(folder, tmp_path):
    film = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(film, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in range(5):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    results = detect_paths(load(folder), [film], Given(), tmp_path / "out", frames=3)
    assert [row["frame"] for row in results.entries] == [0, 1, 2]
    with open_video(str(tmp_path / "out" / "film.mp4")) as (rate, frames):
        sizes = [frame.shape for frame in frames]
    assert rate == pytest.approx(10)
    assert sizes == [(48, 64, 3)] * 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]
