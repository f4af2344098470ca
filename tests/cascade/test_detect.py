"""Detection over files: what is written where, and that one bad picture does not stop the others."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import Cascade, detect, load
from protoface.cascade.detect import How, detect_sources
from protoface.cascade.inputs import find_sources
from protoface.cascade.lists import Matching
from protoface.cascade.pictures import read_picture
from protoface.cascade.results import Seen
from protoface.cascade.resume import END
from protoface.converters.stopping import Stop


def detected(cascade: Cascade, paths: Sequence[Path | str], **how) -> list[Seen]:
    """What is seen in files, without the records that end videos."""
    seen: list[Seen] = []
    detect_sources(cascade, find_sources(map(str, paths)), seen.append, How(**how))
    return [one for one in seen if one.frame != END]


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
    assert [Path(one.path).name for one in seen if one.rows] == ["a.png", "c.png"]
    (wrong,) = [one.wrong for one in seen if one.wrong]
    assert "b.jpg: not a picture" in wrong
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*"))
    assert written == ["a.png", "deep/c.png"]
    assert (read_picture(out / "a.png") != read_picture(album / "a.png")).any()


def copies(folder: Path, face: Path, count: int) -> Path:
    """A folder of so many copies of a picture."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}.png").write_bytes(face.read_bytes())
    return folder


def test_nothing_waits_for_the_end(face, folder, tmp_path, monkeypatch):
    """A drawn picture is there when its faces are taken, those of later groups are not."""
    monkeypatch.setattr(detect, "TOGETHER", 2)
    monkeypatch.setattr(detect, "cores", lambda workers: 1)
    out, there = tmp_path / "out", []
    sources = find_sources([str(copies(tmp_path / "in", face, 12))])
    take = lambda seen: there.append((Path(seen.path).name, sorted(p.name for p in out.iterdir())))  # noqa: E731
    detect_sources(load(folder), sources, take, How(out=out))
    assert all(name in written for name, written in there)
    assert len(there) == 12
    assert len(there[0][1]) <= 6


@pytest.mark.parametrize("done", [0, 3, 4, 5])
@pytest.mark.parametrize("pixels", [1, 10**9])
def test_groups_see_what_single_pictures_show(face, folder, tmp_path, monkeypatch, done, pixels):
    """The same, in order, whatever the size of groups, and from any picture on; a bad one between."""
    monkeypatch.setattr(detect, "TOGETHER", 4)
    monkeypatch.setattr(detect, "PIXELS", pixels)
    album = copies(tmp_path / "in", face, 11)
    for number, picture in enumerate(sorted(album.iterdir())):
        cv2.imwrite(str(picture), np.roll(read_picture(picture), number, axis=1))
    (album / "05.png").write_bytes(b"no picture")
    cascade, seen = load(folder), []
    detect_sources(cascade, find_sources([str(album)]), seen.append, done=done)
    single = [detected(cascade, [path])[0] for path in sorted(album.iterdir())[done:]]
    assert [(Path(one.path).name, one.rows) for one in seen] == [
        (Path(one.path).name, one.rows) for one in single
    ]
    assert [bool(one.wrong) for one in seen] == [bool(one.wrong) for one in single]


def test_errors_are_over_the_diagonal_where_truth_is_given(face, folder):
    cascade = load(folder)
    (found,) = cascade.detect(read_picture(face))  # 80 x 60: the diagonal is 100 pixels
    truth = Matching({"face.png": found.points + np.float32((3, 4))})
    (seen,) = detected(cascade, [face], truth=truth)
    assert seen.errors[1] == pytest.approx(0.05)


def test_given_boxes_are_used_and_a_missing_one_is_listed(album, folder):
    boxes = Matching({"a.png": np.array([[10, 10, 21, 21]])})
    seen = detected(load(folder), [album], boxes=boxes)
    (row,) = (row for one in seen for row in one.rows)
    assert row["level_1"][2] == pytest.approx([20, 20])
    assert row["box"] == [10, 10, 21, 21]
    assert "the list of boxes has none for 'deep/c.png'" in seen[-1].wrong


def test_lists_are_keyed_by_the_path_below_the_folder(album, face, folder):
    """Two pictures of one name in different folders have boxes of their own."""
    (album / "deep" / "a.png").write_bytes(face.read_bytes())
    boxes = {"a.png": np.array([[10, 10, 21, 21]]), "deep/a.png": np.array([[30, 30, 21, 21]])}
    seen = detected(load(folder), [album], boxes=Matching(boxes))
    rows = [row for one in seen for row in one.rows]
    assert [row["box"] for row in rows] == [[10, 10, 21, 21], [30, 30, 21, 21]]


def test_several_boxes_of_one_picture_are_several_faces(face, folder):
    boxes = Matching({"face.png": np.array([[10, 10, 21, 21], [30, 30, 21, 21]])})
    (seen,) = detected(load(folder), [face], boxes=boxes)
    assert [(row["face"], row["box"]) for row in seen.rows] == [
        (0, [10, 10, 21, 21]),
        (1, [30, 30, 21, 21]),
    ]


def test_a_job_stops_after_the_picture_at_hand(album, folder):
    stop, seen = Stop(), []

    def take(one):
        seen.append(one)
        stop.signum = 2

    detect_sources(load(folder), find_sources([str(album)]), take, stop=stop)
    assert [one.path for one in seen] == [str(album / "a.png")]


def test_what_is_done_is_left_out(album, film, folder):
    """Pictures first, then videos: three pictures are done, then the video too."""
    sources = find_sources([str(album), str(film)])
    for done, expected in ((2, [None, 0, 1, 2, END]), (3, [0, 1, 2, END]), (4, [])):
        seen = []
        detect_sources(load(folder), sources, seen.append, done=done)
        assert [one.frame for one in seen] == expected


def test_a_picture_that_is_too_large_is_listed(album, folder):
    """One of 80 x 60; the limit is a pixel less."""
    seen = detected(load(folder), [album / "a.png"], max_pixels=80 * 60 - 1)
    assert "a.png" in seen[0].wrong
    assert "4,799" in seen[0].wrong or "4799" in seen[0].wrong
    assert not detected(load(folder), [album / "a.png"], max_pixels=80 * 60)[0].wrong


def test_a_picture_that_exhausts_memory_is_listed(album, folder, monkeypatch):
    """A mock: what is too much differs by machine."""

    def exhausted(self, images, boxes):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(Cascade, "detect_batch", exhausted)
    seen = detected(load(folder), [album / "a.png", album / "deep"])
    assert [one.path in one.wrong and "9 GiB" in one.wrong for one in seen] == [True, True]


def test_quality_is_that_of_drawn_pictures(face, folder, tmp_path):
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), cv2.resize(read_picture(face), (320, 240)))
    sizes = []
    for quality in (10, 95):
        detected(load(folder), [photo], out=tmp_path / "out", quality=quality)
        sizes.append((tmp_path / "out" / "photo.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 2


@pytest.fixture
def film(tmp_path: Path, videos: None) -> Path:
    """Three frames of 64 x 48."""
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in range(3):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    return film


def test_frames_are_taken_with_their_numbers(film, folder):
    seen = detected(load(folder), [film])
    assert [row["frame"] for one in seen for row in one.rows] == [0, 1, 2]


def test_boxes_of_frames_and_of_whole_videos(film, folder):
    boxes = {"film.avi:1": np.array([[10, 10, 21, 21]]), "film.avi": np.array([[30, 30, 11, 11]])}
    seen = detected(load(folder), [film], boxes=Matching(boxes))
    assert [row["box"][0] for one in seen for row in one.rows] == [30, 10, 30]
    (wrong,) = detected(load(folder), [film], boxes=Matching({"other": boxes["film.avi"]}))
    assert wrong.wrong.endswith("the list of boxes has none for 'film.avi' or its frame 0")


def test_a_bad_video_is_listed_and_the_others_are_done(film, folder, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    seen = detected(load(folder), [bad, film], out=tmp_path / "out")
    assert [bool(one.wrong) for one in seen] == [True, False, False, False]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]
