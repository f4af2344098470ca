"""Faces that are cut out: by each kind of picture's own library, with margins, at borders, in files."""

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade.mtcnn.given_pictures import pictures
from protoface.cascade.mtcnn.square_crops import (
    check_sizes,
    grown,
    numbered,
    save_crop,
    square_crop,
    standardized,
)
from protoface.converters import ProtofaceError

pil = pytest.importorskip("PIL.Image")
IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
BOX = np.array([10.7, 5.2, 40.9, 50.1], np.float32)


def test_each_library_resizes_its_own():
    """Written once more: what extract_face of facenet-pytorch does with the same part."""
    part = IMAGE[5:50, 10:40]
    found = {
        "array": square_crop(pictures(IMAGE)[0], BOX, 32, 0),
        "pil": square_crop(pictures(pil.fromarray(IMAGE))[0], BOX, 32, 0),
        "tensor": square_crop(pictures(torch.from_numpy(IMAGE))[0], BOX, 32, 0),
    }
    np.testing.assert_array_equal(
        found["array"], cv2.resize(part, (32, 32), interpolation=cv2.INTER_AREA)
    )
    expected = pil.fromarray(IMAGE).crop((10, 5, 40, 50)).resize((32, 32), pil.Resampling.BILINEAR)
    np.testing.assert_array_equal(found["pil"], np.array(expected))
    planes = torch.from_numpy(part.copy()).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.adaptive_avg_pool2d(planes, (32, 32)).byte()[0].permute(1, 2, 0)
    np.testing.assert_array_equal(found["tensor"], expected.numpy())


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((10.7, 5.2, 40.9, 50.1), 0, (10, 5, 40, 50)),
        # 40 / (160 - 40) = a third of the sides, half of it on each side
        ((30, 20, 60, 44), 40, (25, 16, 65, 48)),
        ((-5, -5, 20, 20), 0, (0, 0, 20, 20)),
        ((60, 40, 99, 99), 0, (60, 40, 80, 60)),
        ((30, 20, 60, 44), 150, (0, 0, 80, 60)),
        # beyond the picture, or inside out: a pixel of it
        ((-30, -20, -10, -5), 0, (0, 0, 1, 1)),
        ((200, 200, 210, 220), 0, (79, 59, 80, 60)),
        ((30, 20, 30, 20), 0, (30, 20, 31, 21)),
    ],
)
def test_margins_and_borders(box, margin, expected):
    assert grown(np.float32(box), (80, 60), 160, margin) == expected


def test_a_box_that_is_no_number():
    with pytest.raises(ProtofaceError, match=r"box \[nan, 1.0, 2.0, 3.0\] is not finite"):
        grown(np.array([np.nan, 1, 2, 3]), (80, 60), 160, 0)


@pytest.mark.parametrize(
    ("image_size", "margin", "message"),
    [
        (160, 160, r"margin is 160, it must be at least 0 and less than image_size \(160\)"),
        (160, -1, "margin is -1"),
        (160, float("nan"), "margin is nan"),
        (0, 0, "image_size is 0, it must be 1 to 4096 pixels"),
        (2.5, 0, "image_size is 2.5"),
    ],
)
def test_sizes_that_cannot_be(image_size, margin, message):
    with pytest.raises(ProtofaceError, match=message):
        check_sizes(image_size, margin)


def test_tensors():
    crop = IMAGE[:4, :4]
    plain, standard = standardized(crop, False), standardized(crop, True)
    assert plain.dtype == standard.dtype == torch.float32
    np.testing.assert_array_equal(plain.numpy(), crop.transpose(2, 0, 1))
    torch.testing.assert_close(standard, (plain - 127.5) / 128)


def test_files(tmp_path):
    path = tmp_path / "new" / "folder" / "face.v1.png"
    save_crop(path, 0, IMAGE)
    save_crop(str(path), 2, IMAGE[::-1])
    assert sorted(one.name for one in path.parent.iterdir()) == ["face.v1.png", "face.v1_3.png"]
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], IMAGE)
    assert numbered(path, 1).name == "face.v1_2.png"
    with pytest.raises(ProtofaceError, match="face: OpenCV .* cannot write this format"):
        save_crop(tmp_path / "face", 0, IMAGE)
    (tmp_path / "file").touch()
    with pytest.raises(ProtofaceError, match="file"):
        save_crop(tmp_path / "file" / "face.png", 0, IMAGE)
