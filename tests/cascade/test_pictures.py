"""Reading pictures and videos: upright, three channels, eight bits, or an error that names the file."""

import os
import struct
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from protoface.cascade import ProtofaceError
from protoface.cascade.formats import PICTURES
from protoface.cascade.pictures import (
    MAX_PIXELS,
    check_suffix,
    encode_picture,
    open_video,
    read_picture,
    set_limit,
    write_picture,
)

#: A name that is not UTF-8, as Linux allows it: OpenCV ends the process at one.
ODD = os.fsdecode(b"caf\xe9")
#: Memory for decoding, in times the decoded picture's bytes: AVIF and JPEG 2000 take the most.
DECODING = 6


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


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(ProtofaceError, match=r"none.jpg: No such file"):
        read_picture(tmp_path / "none.jpg")


def test_more_pixels_than_the_limit_are_not_decoded(tmp_path, colours, monkeypatch):
    write_picture(tmp_path / "a.png", colours)
    assert read_picture(tmp_path / "a.png", limit=24 * 36).shape == colours.shape
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(ProtofaceError, match=r"a.png: 36 x 24 pixels are more than 863; raise"):
        read_picture(tmp_path / "a.png", limit=24 * 36 - 1)


def test_a_process_may_have_a_limit_of_its_own(tmp_path, colours):
    write_picture(tmp_path / "a.png", colours)
    set_limit(100)
    try:
        with pytest.raises(ProtofaceError, match=r"36 x 24 pixels are more than 100; raise"):
            read_picture(tmp_path / "a.png")
        assert read_picture(tmp_path / "a.png", limit=1000).shape == colours.shape
    finally:
        set_limit(MAX_PIXELS)


def test_a_file_that_is_too_long_for_any_picture_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(10**12)  # without a byte on the disk
    with pytest.raises(ProtofaceError, match=r"a.png: 1000.0 GB are too many for a picture"):
        read_picture(tmp_path / "a.png")


def test_too_little_memory_to_decode_is_an_error_of_that_picture(tmp_path, colours, monkeypatch):
    def fails(data, flags):
        raise MemoryError

    write_picture(tmp_path / "a.png", colours)
    monkeypatch.setattr(cv2, "imdecode", fails)
    with pytest.raises(ProtofaceError, match=r"a.png: there is not enough memory to decode it"):
        read_picture(tmp_path / "a.png")


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "itself.jpg").symlink_to("itself.jpg")
    for name, reason in (
        ("pipe", "is not a regular file"),
        ("folder", "Is a directory"),
        ("zero", "is not a regular file"),
        ("itself", "Too many levels of symbolic links"),
    ):
        with pytest.raises(ProtofaceError, match=rf"{name}.jpg: {reason}"):
            read_picture(tmp_path / f"{name}.jpg")


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".webp", ".pgm"])
def test_a_picture_under_a_name_that_is_not_utf_8(tmp_path, colours, suffix):
    path = tmp_path / "new" / f"{ODD}{suffix}"
    write_picture(path, colours)
    assert read_picture(path).shape == colours.shape
    assert os.listdir(tmp_path / "new") == [f"{ODD}{suffix}"]


def test_what_is_written_is_what_opencv_writes(tmp_path, colours):
    for suffix in (".png", ".jpg", ".bmp"):
        write_picture(tmp_path / f"a{suffix}", colours)
        cv2.imwrite(str(tmp_path / f"b{suffix}"), colours)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_quality_is_for_jpeg_and_webp_and_others_have_none(tmp_path):
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8), (200, 200))
    for suffix in (".jpg", ".JPEG", ".webp"):
        low, high = (encode_picture(f"a{suffix}", image, quality) for quality in (10, 100))
        assert len(low) < len(high) / 2
    assert encode_picture("a.png", image, 10) == encode_picture("a.png", image)
    for quality in (0, 101):
        with pytest.raises(ProtofaceError, match=rf"a.jpg: quality is {quality}, it must be 1 to 100"):
            encode_picture("a.jpg", image, quality)


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.exr", f"{ODD}.\udce9"])
def test_a_format_that_cannot_be_written_is_said_before_any_work(tmp_path, colours, name):
    with pytest.raises(ProtofaceError, match=r"cannot write this format .*; it writes .*\.jpg"):
        check_suffix(tmp_path / name)
    with pytest.raises(ProtofaceError, match="cannot write this format"):
        write_picture(tmp_path / name, colours)
    assert os.listdir(tmp_path) == []


def test_a_picture_too_large_for_a_format_is_named(tmp_path):
    with pytest.raises(ProtofaceError, match=r"a.(jpg|webp): OpenCV cannot write it"):
        write_picture(tmp_path / "a.webp", np.zeros((2, 20_000, 3), np.uint8))
    assert os.listdir(tmp_path) == []


#: Decodes a picture in a process with little memory, and says how many bytes more it used.
MEASURED = textwrap.dedent(
    """
    import resource, sys
    from protoface.cascade.pictures import read_picture
    from protoface.converters import ProtofaceError
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        size = read_picture(sys.argv[1]).nbytes
    except ProtofaceError as error:
        size = 0
    print(size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
    """
)


def measured(path) -> tuple[int, int]:
    """Bytes of the decoded picture (0 for none), and of the memory that decoding took."""
    run = [sys.executable, "-c", MEASURED, str(path)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    size, used = map(int, printed.split())
    return size, used


@pytest.mark.slow
@pytest.mark.parametrize("suffix", sorted(PICTURES - {".apng", ".hdr", ".pfm", ".pic"}))
def test_decoding_takes_at_most_so_many_times_the_picture(tmp_path, suffix):
    coarse = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    write_picture(tmp_path / f"a{suffix}", cv2.resize(coarse, (4500, 3000)))
    size, used = measured(tmp_path / f"a{suffix}")
    assert size == 4500 * 3000 * 3
    # its file, which OpenCV may copy, and what docs/security.md says
    assert used - 2 * (tmp_path / f"a{suffix}").stat().st_size < DECODING * size + (16 << 20)


@pytest.mark.slow
def test_a_small_file_takes_little_memory_whatever_it_promises(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    bomb = encode_picture("a.png", image)[:33] + b"\xf0\x00\x00\x00tEXt" + bytes(100)
    (tmp_path / "chunk.png").write_bytes(bomb)
    large = bytearray(encode_picture("a.png", image))
    large[16:24] = struct.pack(">II", 30_000, 30_000)
    (tmp_path / "large.png").write_bytes(large)
    for path in tmp_path.iterdir():
        size, used = measured(path)
        assert (size, used < 16 << 20) == (0, True)


@pytest.mark.usefixtures("videos")
def test_frames_of_a_video(tmp_path):
    with open_video(film(str(tmp_path / "film.avi"))) as video:
        values = [round(float(frame.mean())) for frame in video.frames]
    assert (video.rate, video.total) == (pytest.approx(10), 3)
    np.testing.assert_allclose(values, [40, 90, 140], atol=3)


def film(path: str) -> str:
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in (40, 90, 140):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    return path


@pytest.mark.usefixtures("videos")
def test_a_video_under_a_name_that_is_not_utf_8(tmp_path):
    film(str(tmp_path / "film.avi"))
    (tmp_path / "film.avi").rename(tmp_path / f"{ODD}.avi")
    with open_video(str(tmp_path / f"{ODD}.avi")) as video:
        assert len(list(video.frames)) == 3


@pytest.mark.usefixtures("videos")
def test_frames_of_more_pixels_than_the_limit(tmp_path):
    path = film(str(tmp_path / "film.avi"))
    with open_video(path, limit=64 * 48) as video:
        assert len(list(video.frames)) == 3
    with (
        pytest.raises(ProtofaceError, match=r"film.avi: frames of 64 x 48 pixels, the limit is 3071"),
        open_video(path, limit=64 * 48 - 1),
    ):
        pass


@pytest.mark.usefixtures("videos")
@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile film.avi\n", "\ufeff#EXTM3U\n#EXTINF:1,\nfilm.avi\n"]
)
def test_a_list_of_other_videos_opens_none_of_them(tmp_path, text):
    film(str(tmp_path / "film.avi"))
    (tmp_path / "list.mp4").write_text(text, "utf-8")
    with (
        pytest.raises(ProtofaceError, match=r"list.mp4: is a list of other files"),
        open_video(str(tmp_path / "list.mp4")),
    ):
        pass


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
    for camera in ("97", "9" * 4000):
        with pytest.raises(ProtofaceError, match=f"camera {camera} cannot be"), open_video(camera):
            pass


@pytest.mark.usefixtures("videos")
def test_a_pipe_that_is_called_a_video_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    path = str(tmp_path / "pipe.mp4")
    with pytest.raises(ProtofaceError, match=r"pipe.mp4: is not a regular file"), open_video(path):
        pass
