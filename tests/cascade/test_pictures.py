"""Reading pictures and videos: upright, three channels, eight bits, or an error that names the file."""

import struct

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError
from protoface.cascade.pictures import find_pictures, is_video, open_video, read_picture


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (24, 36, 3), np.uint8)


def test_a_colour_picture_is_bgr(tmp_path, colours):
    cv2.imwrite(str(tmp_path / "a.png"), colours)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), colours)


def test_grey_becomes_three_equal_channels(tmp_path, colours):
    cv2.imwrite(str(tmp_path / "grey.png"), colours[:, :, 0])
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png"), colours[:, :, [0, 0, 0]])


def test_transparency_is_dropped(tmp_path, colours):
    rgba = np.dstack([colours, np.full((24, 36), 128, np.uint8)])
    cv2.imwrite(str(tmp_path / "rgba.png"), rgba)
    np.testing.assert_array_equal(read_picture(tmp_path / "rgba.png"), colours)


def test_sixteen_bits_become_eight(tmp_path, colours):
    cv2.imwrite(str(tmp_path / "deep.png"), colours.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png"), colours)


def test_one_pixel_is_a_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), np.full((1, 1, 3), 7, np.uint8))
    assert read_picture(tmp_path / "one.png").shape == (1, 1, 3)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with a minimal EXIF block that holds only the orientation."""
    tiff = b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def test_exif_rotation_is_applied(tmp_path):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16] = 255
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_orientation(jpeg, 6))  # shown turned by 90 degrees clockwise
    found = read_picture(path)
    assert found.shape == (32, 16, 3)
    assert found[:12].mean() > 240
    assert found[-12:].mean() < 15


def test_a_file_with_letters_of_any_language(tmp_path, colours):
    path = tmp_path / "Gesicht \u00e4\u4eba.png"
    path.write_bytes(cv2.imencode(".png", colours)[1].tobytes())
    np.testing.assert_array_equal(read_picture(path), colours)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"not a picture at all", "not a picture that OpenCV can decode"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "not a picture|cannot decode"),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ProtofaceError, match=rf"bad.png: ({message})"):
        read_picture(path)


def test_a_jpeg_that_breaks_off_is_named(tmp_path, colours):
    jpeg = cv2.imencode(".jpg", cv2.resize(colours, (300, 300)))[1].tobytes()
    for share in (0.5, 0.9):
        (tmp_path / "half.jpg").write_bytes(jpeg[: int(len(jpeg) * share)])
        with pytest.raises(ProtofaceError, match=r"half.jpg: the JPEG ends too early"):
            read_picture(tmp_path / "half.jpg")
    (tmp_path / "longer.jpg").write_bytes(jpeg + b"some other program's notes")
    assert read_picture(tmp_path / "longer.jpg").shape == (300, 300, 3)


def test_missing_pictures_and_empty_folders_are_named(tmp_path):
    with pytest.raises(ProtofaceError, match=r"none.jpg: No such file"):
        read_picture(tmp_path / "none.jpg")
    with pytest.raises(ProtofaceError, match="no pictures or videos there"):
        find_pictures(tmp_path)


def test_pictures_of_a_folder_and_the_folders_in_it_in_order(tmp_path, colours):
    (tmp_path / "b").mkdir()
    for name in ("z.JPG", "b/a.png", "a.webp"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    found = [path.relative_to(tmp_path).as_posix() for path in find_pictures(tmp_path)]
    assert found == ["a.webp", "b/a.png", "z.JPG"]


def test_videos_are_told_by_suffix_and_cameras_by_number():
    assert is_video("0")
    assert is_video("folder/Film.MP4")
    assert not is_video("picture.jpg")


@pytest.mark.usefixtures("videos")
def test_frames_of_a_video(tmp_path):
    path = str(tmp_path / "film.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in (40, 90, 140):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    with open_video(path) as (rate, frames):
        values = [round(float(frame.mean())) for frame in frames]
    assert rate == pytest.approx(10)
    np.testing.assert_allclose(values, [40, 90, 140], atol=3)


def test_a_build_of_opencv_without_videos(tmp_path, monkeypatch):
    monkeypatch.delattr(cv2, "VideoCapture", raising=False)
    path = tmp_path / "film.mp4"
    path.touch()
    with pytest.raises(ProtofaceError, match=r"film.mp4: .* has no videos"), open_video(str(path)):
        pass


@pytest.mark.usefixtures("videos")
def test_videos_that_are_not_there_or_none_are_named(tmp_path):
    with pytest.raises(ProtofaceError, match=r"none.mp4: No such file"), open_video("none.mp4"):
        pass
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    with pytest.raises(ProtofaceError, match=r"text.mp4: not a video"), open_video(str(path)):
        pass
    with pytest.raises(ProtofaceError, match="camera 97 cannot be opened"), open_video("97"):
        pass
