"""Detection over files: what is written where, and that one bad picture does not stop the others."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import Cascade, ProtofaceError, load
from protoface.cascade.detect import Given, Seen, detect_paths, json_lines
from protoface.cascade.lists import Matching
from protoface.cascade.pictures import read_picture
from protoface.cli import protoface, run


def detected(cascade: Cascade, paths: Sequence[Path | str], *arguments, **options) -> list[Seen]:
    seen: list[Seen] = []
    detect_paths(cascade, [str(path) for path in paths], seen.append, *arguments, **options)
    return seen


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
    seen = detected(load(folder), [album], out=out)
    assert [Path(one.path).name for one in seen if one.faces] == ["a.png", "c.png"]
    (wrong,) = [one.wrong for one in seen if one.wrong]
    assert "b.jpg: not a picture" in wrong
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*"))
    assert written == ["a.png", "deep/c.png"]
    assert (read_picture(out / "a.png") != read_picture(album / "a.png")).any()


def test_what_is_found_is_taken_one_picture_at_a_time(album, folder, tmp_path):
    """Nothing waits for the end: a drawn picture is there when its faces are taken, the next is not."""
    out, there = tmp_path / "out", []
    cascade = load(folder)
    detect_paths(
        cascade, [str(album)], lambda seen: there.append(len(list(out.rglob("*.png")))), out=out
    )
    assert there == [1, 1, 2]


def test_json_rows(face, folder, tmp_path):
    cascade = load(folder)
    with json_lines(tmp_path / "points.jsonl") as write:
        detect_paths(cascade, [str(face)], write)
        assert not (tmp_path / "points.jsonl").exists()
    (line,) = (tmp_path / "points.jsonl").read_text().splitlines()
    row = json.loads(line)
    (found,) = cascade.detect(read_picture(face))
    assert set(row) == {"path", "face", "box", "score", "points", "level_1", "window"}
    assert (row["path"], row["face"], row["score"]) == (str(face), 0, None)
    np.testing.assert_array_equal(np.float32(row["points"]), found.points)
    np.testing.assert_array_equal(np.float32(row["level_1"]), found.stages[0])
    assert row["window"] == found.windows[-1].tolist()
    assert row["box"] == found.box.tolist()


def test_rows_of_a_job_that_fails_are_not_left_behind(face, folder, tmp_path):
    with pytest.raises(ProtofaceError), json_lines(tmp_path / "points.jsonl") as write:
        detect_paths(load(folder), [str(face), "film.mp4"], write)
    assert sorted(path.name for path in tmp_path.iterdir() if "points" in path.name) == []


def test_errors_are_over_the_diagonal_where_truth_is_given(face, folder):
    cascade = load(folder)
    (found,) = cascade.detect(read_picture(face))  # 80 x 60: the diagonal is 100 pixels
    truth = Matching({"face.png": found.points + np.float32((3, 4))})
    (seen,) = detected(cascade, [face], Given(truth=truth))
    assert seen.errors[1] == pytest.approx(0.05)


def test_given_boxes_are_used_and_a_missing_one_is_listed(album, folder):
    given = Given(boxes=Matching({"a.png": np.array([10, 10, 21, 21])}))
    seen = detected(load(folder), [album], given)
    (row,) = (row for one in seen for row in one.rows())
    assert row["level_1"][2] == pytest.approx([20, 20])
    assert row["box"] == [10, 10, 21, 21]
    assert "the list of boxes has none for 'deep/c.png'" in seen[-1].wrong


def test_lists_are_keyed_by_the_path_below_the_folder(album, face, folder):
    """Two pictures of one name in different folders have boxes of their own."""
    (album / "deep" / "a.png").write_bytes(face.read_bytes())
    boxes = {"a.png": np.array([10, 10, 21, 21]), "deep/a.png": np.array([30, 30, 21, 21])}
    seen = detected(load(folder), [album], Given(boxes=Matching(boxes)))
    rows = [row for one in seen for row in one.rows()]
    assert [row["box"] for row in rows] == [[10, 10, 21, 21], [30, 30, 21, 21]]


def test_two_pictures_for_one_file_are_refused_before_anything_is_written(
    album, face, folder, tmp_path
):
    other = tmp_path / "other" / "a.png"
    other.parent.mkdir()
    other.write_bytes(face.read_bytes())
    out = tmp_path / "out"
    with pytest.raises(ProtofaceError, match=r"other/a.png: .*album/a.png is written to .*out/a.png"):
        detected(load(folder), [album, other], out=out)
    assert not out.exists()
    assert len([one for one in detected(load(folder), [album, other]) if one.faces]) == 3


@pytest.mark.parametrize("name", ["a.png", "link.png"])
def test_a_drawn_copy_that_would_replace_a_picture_is_refused(name, album, folder):
    """`detect album --out album`: nothing is written, the picture stays; by a link too."""
    before = (album / "a.png").read_bytes()
    (album / "link.png").symlink_to(album / "a.png")
    with pytest.raises(ProtofaceError, match=rf"{name}: is read, so it cannot be written"):
        detected(load(folder), [album / name], out=album)
    assert (album / "a.png").read_bytes() == before
    other = album.parent / "elsewhere"
    other.symlink_to(album)
    with pytest.raises(ProtofaceError, match="a.png: is read, so it cannot be written"):
        detected(load(folder), [album], out=other)
    assert (album / "a.png").read_bytes() == before


def test_a_video_is_not_replaced_by_its_drawn_copy(folder, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"the original")
    with pytest.raises(ProtofaceError, match="film.mp4: is read, so it cannot be written"):
        detected(load(folder), [tmp_path / "film.mp4"], out=tmp_path)
    assert (tmp_path / "film.mp4").read_bytes() == b"the original"


@pytest.mark.parametrize("given", ["a.png", "."])
def test_rows_do_not_replace_a_picture(given, album, folder, capsys):
    before = (album / "a.png").read_bytes()
    options = ["--model", str(folder), "--json", str(album / "a.png")]
    assert run(protoface, ["detect", str(album / given), *options]) == 2
    assert "a.png: is read, so it cannot be written" in capsys.readouterr().err
    assert (album / "a.png").read_bytes() == before


def test_two_videos_for_one_file_are_refused(folder, tmp_path):
    with pytest.raises(ProtofaceError, match=r"b/film.avi: a/film.mkv is written to .*out/film.mp4"):
        detected(load(folder), ["a/film.mkv", "b/film.avi"], out=tmp_path / "out")


def test_a_path_that_is_nothing_is_named(folder):
    with pytest.raises(ProtofaceError, match="nowhere.png: No such file"):
        detected(load(folder), ["nowhere.png"])


@pytest.mark.usefixtures("videos")
def test_frames_are_taken_with_their_numbers(folder, tmp_path):
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in range(3):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    seen = detected(load(folder), [film])
    assert [row["frame"] for one in seen for row in one.rows()] == [0, 1, 2]
