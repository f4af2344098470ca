"""Videos frame by frame: drawn copies, where they end, and what cannot be written."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.pictures import Video, open_video
from protoface.cascade.video.frames import Filming, detect_video
from protoface.converters.errors import OutputError
from protoface.converters.stopping import Stop

pytestmark = pytest.mark.usefixtures("videos")


@pytest.fixture
def film(tmp_path: Path) -> str:
    """Five frames of 64 x 48, ten a second."""
    path = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in range(5):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    return path


def test_every_frame_of_a_video(folder, film, tmp_path):
    copy = tmp_path / "out" / "film.mp4"
    with open_video(film) as video:
        assert video.total == 5
        faces = list(detect_video(load(folder), film, video, Filming(copy, frames=3)))
    assert [len(each) for each in faces] == [1, 1, 1]
    with open_video(str(copy)) as (rate, total, frames):
        sizes = [frame.shape for frame in frames]
    assert (rate, total) == (pytest.approx(10), 3)
    assert sizes == [(48, 64, 3)] * 3
    assert list(copy.parent.iterdir()) == [copy]


def test_a_copy_whose_name_is_not_utf8(folder, film, tmp_path):
    copy = tmp_path / os.fsdecode(b"\xe9") / os.fsdecode(b"caf\xe9.mp4")
    with open_video(film) as video:
        list(detect_video(load(folder), film, video, Filming(copy)))
    assert os.listdir(os.fsencode(copy.parent)) == [b"caf\xe9.mp4"]
    with open_video(str(copy)) as video:
        assert len(list(video.frames)) == 5


def test_a_stop_ends_a_video_and_keeps_what_is_done(folder, film, tmp_path):
    stop = Stop()
    with open_video(film) as video:
        frames = detect_video(load(folder), film, video, Filming(tmp_path / "film.mp4"), stop)
        next(frames)
        stop.signum = 2
        assert len(list(frames)) == 0
    with open_video(str(tmp_path / "film.mp4")) as copy:
        assert len(list(copy.frames)) == 1


def test_a_reader_that_leaves_off_leaves_nothing(folder, film, tmp_path):
    with open_video(film) as video:
        frames = detect_video(load(folder), film, video, Filming(tmp_path / "out" / "film.mp4"))
        next(frames)
        frames.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_boxes_are_those_of_the_frame(folder, film):
    boxes = lambda number: np.array([[number, 0, 20, 20]])  # noqa: E731
    with open_video(film) as video:
        found = list(detect_video(load(folder), film, video, Filming(boxes=boxes)))
    assert [faces[0].box[0] for faces in found] == [0, 1, 2, 3, 4]


def test_a_video_without_a_frame_is_named_and_leaves_nothing(folder, tmp_path):
    filming = Filming(tmp_path / "out" / "film.mp4")
    with pytest.raises(ProtofaceError, match="film.avi: holds no frame"):
        list(detect_video(load(folder), "film.avi", Video(10, None, iter(())), filming))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_copy_that_lacks_frames_is_an_error(folder, film, tmp_path, monkeypatch):
    """As on a full disk, of which OpenCV's writer says nothing: here every other frame is lost."""
    real, written = cv2.VideoWriter, []

    class Losing:
        fourcc = staticmethod(real.fourcc)

        def __init__(self, *arguments):
            self.writer = real(*arguments)

        def __getattr__(self, name):
            return getattr(self.writer, name)

        def write(self, frame):
            written.append(frame)
            if len(written) % 2:
                self.writer.write(frame)

    monkeypatch.setattr(cv2, "VideoWriter", Losing)
    copy = tmp_path / "out" / "film.mp4"
    with open_video(film) as video, pytest.raises(OutputError, match=r"film.mp4: only 3 of 5 frames"):
        list(detect_video(load(folder), film, video, Filming(copy)))
    assert list(copy.parent.iterdir()) == []


def test_frames_of_another_size_are_an_error(folder, tmp_path):
    """OpenCV's writer leaves them out, silently."""
    frames = [np.zeros((48, 64, 3), np.uint8), np.zeros((50, 64, 3), np.uint8)]
    video = Video(10, None, iter(frames))
    with pytest.raises(OutputError, match="only 1 of 2 frames were written"):
        list(detect_video(load(folder), "0", video, Filming(tmp_path / "camera_0.mp4")))
