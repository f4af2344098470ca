"""Suffixes: every one that is taken can be read, and videos are told from pictures."""

import cv2
import numpy as np
import pytest

from protoface.cascade.formats import PICTURES, VIDEOS, is_video
from protoface.cascade.pictures import encode_picture, read_picture


@pytest.mark.parametrize("suffix", sorted(PICTURES))
def test_every_format_that_is_taken_is_written_and_read(tmp_path, suffix):
    grey = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode_picture(path, image))
    found = read_picture(path)
    assert found.shape == image.shape
    assert found.dtype == np.uint8
    if suffix != ".pbm":  # it holds black and white alone
        assert np.abs(found.astype(int) - image).mean() < (20 if suffix == ".gif" else 8)


def test_the_usual_formats_are_taken():
    assert {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"} <= PICTURES
    assert not PICTURES & VIDEOS


def test_videos_are_told_by_suffix_and_cameras_by_number():
    assert is_video("0")
    assert is_video("folder/Film.MP4")
    assert not is_video("picture.jpg")
    assert not is_video("\u00b2")  # Python calls a square a digit
