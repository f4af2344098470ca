"""Videos frame by frame: drawn copies, where they end, and what cannot be read."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import Face, ProtofaceError, load
from protoface.cascade.pictures import open_video
from protoface.cascade.video.frames import detect_video, video_name

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
    numbers = []
    detect_video(load(folder), film, lambda number, faces: numbers.append(number), tmp_path / "out", 3)
    assert numbers == [0, 1, 2]
    with open_video(str(tmp_path / "out" / "film.mp4")) as (rate, frames):
        sizes = [frame.shape for frame in frames]
    assert rate == pytest.approx(10)
    assert sizes == [(48, 64, 3)] * 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]


def test_ctrl_c_ends_a_video_and_keeps_what_is_done(folder, film, tmp_path):
    def take(number: int, faces: Sequence[Face]) -> None:
        if number == 2:
            raise KeyboardInterrupt

    detect_video(load(folder), film, take, tmp_path / "out")
    with open_video(str(tmp_path / "out" / "film.mp4")) as (_, frames):
        assert len(list(frames)) == 2


def test_a_video_without_a_frame_is_named_and_leaves_nothing(folder, film, tmp_path, monkeypatch):
    monkeypatch.setattr("protoface.cascade.pictures._frames", lambda capture: iter(()))
    with pytest.raises(ProtofaceError, match="film.avi: holds no frame"):
        detect_video(load(folder), film, lambda number, faces: None, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_names_of_copies():
    assert video_name("films/holiday.mkv") == Path("holiday.mp4")
    assert video_name("0") == Path("camera_0.mp4")
