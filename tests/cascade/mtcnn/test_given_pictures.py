"""Pictures of every kind become the same numbers; what is none is refused in one line."""

import sys
from subprocess import run

import numpy as np
import pytest
import torch

from protoface.cascade.mtcnn.given_pictures import is_batch, paths_for, pictures
from protoface.converters import ProtofaceError

pil = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (9, 7, 3), np.uint8)
GREY = np.repeat(COLOURS[..., :1], 3, 2)


def image_of(given):
    (one,) = pictures(given)
    assert one.image.dtype == np.uint8
    assert one.image.flags.c_contiguous
    assert one.size == one.image.shape[1::-1]
    np.testing.assert_array_equal(one.bgr, one.image[..., ::-1])
    return one.image


@pytest.mark.parametrize(
    "given",
    [
        COLOURS,
        COLOURS.transpose(2, 0, 1),
        COLOURS.astype(np.float64),
        COLOURS.astype(np.int64),
        (COLOURS / 255).astype(np.float32),
        (COLOURS / 255).transpose(2, 0, 1),
        np.dstack((COLOURS, np.zeros((9, 7), np.uint8))),
        torch.from_numpy(COLOURS),
        torch.from_numpy(COLOURS.transpose(2, 0, 1) / 255).float().requires_grad_(),
        torch.from_numpy(COLOURS).half(),
        torch.from_numpy(COLOURS).bfloat16().float(),
        pil.fromarray(COLOURS),
        pil.fromarray(COLOURS).convert("RGBA"),
        COLOURS[:, ::-1][:, ::-1],
    ],
)
def test_colours(given):
    image = image_of(given)
    assert np.abs(image.astype(int) - COLOURS).max() <= (0 if image.sum() == COLOURS.sum() else 1)


@pytest.mark.parametrize(
    "given",
    [
        GREY[..., 0],
        GREY[..., :1],
        GREY[..., 0][None],
        np.dstack((GREY[..., 0], np.zeros((9, 7), np.uint8))),
        torch.from_numpy(GREY[..., 0].copy()),
        pil.fromarray(GREY[..., 0]),
        pil.fromarray(GREY[..., 0]).convert("LA"),
        pil.fromarray(GREY[..., 0].astype(np.uint16) << 8),
        pil.fromarray(GREY[..., 0].astype(np.int32) << 8),
        pil.fromarray(GREY[..., 0].astype(np.float32)),
    ],
)
def test_grey(given):
    np.testing.assert_array_equal(image_of(given), GREY)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_every_mode_of_pil(mode):
    made = pil.fromarray(COLOURS)
    made = made.convert("RGBA" if mode == "PA" else "RGB").convert(mode if mode != "PA" else "P")
    assert image_of(made).shape == (9, 7, 3)


def test_lists_and_batches():
    assert [one.size for one in pictures([COLOURS, pil.fromarray(GREY[:4])])] == [(7, 9), (7, 4)]
    batch = np.stack((COLOURS, GREY))
    for given in (batch, torch.from_numpy(batch), torch.from_numpy(batch.transpose(0, 3, 1, 2))):
        assert is_batch(given)
        for one, expected in zip(pictures(given), batch, strict=True):
            np.testing.assert_array_equal(one.image, expected)
    assert pictures([]) == []
    assert not is_batch(COLOURS)
    assert is_batch((COLOURS,))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("photo.jpg", "the picture is str; give a PIL picture, an array or a tensor"),
        (None, "the picture is NoneType"),
        ([COLOURS, 5], "picture 1 is int"),
        ([[COLOURS]], "picture 0 is list"),
        (np.zeros((5, 5, 5)), r"has the shape \(5, 5, 5\); give H x W x 3 or 3 x H x W"),
        (np.zeros((0, 4, 3), np.uint8), r"has the shape \(0, 4, 3\)"),
        (np.zeros(4), r"has the shape \(4,\)"),
        (np.zeros((2, 2, 2, 2, 3)), r"has the shape \(2, 2, 2, 2, 3\)"),
        (np.full((4, 4, 3), np.nan), "holds values of nan to nan; give 0 to 255"),
        (np.full((4, 4, 3), 256), "holds values of 256 to 256; give 0 to 255"),
        (
            COLOURS.astype(np.float32) / 128 - 1,
            "holds values of -1 to .*; give 0 to 255, or floats of 0",
        ),
        (np.zeros((4, 4, 3), bool), "holds bool"),
        (np.zeros((4, 4, 3), complex), "holds complex128"),
        (np.zeros((4, 4, 3), object), "holds object"),
    ],
)
def test_what_is_no_picture(given, message):
    with pytest.raises(ProtofaceError, match=message):
        pictures(given)


def test_paths():
    assert paths_for(None, 2, batch=True) == [None, None]
    assert paths_for("a.png", 1, batch=False) == ["a.png"]
    assert paths_for(("a.png", "b.png"), 2, batch=True) == ["a.png", "b.png"]
    for path, count, batch, message in [
        ("a.png", 2, True, "save_path is one; give a list of 2, as there are pictures"),
        (["a.png"], 2, True, "save_path is a list of 1; give a list of 2, as there are pictures"),
        (["a.png"], 1, False, "save_path is a list of 1; give one path, as there are pictures"),
    ]:
        with pytest.raises(ProtofaceError, match=message):
            paths_for(path, count, batch)


def test_neither_pil_nor_pytorch_is_imported():
    code = (
        "import sys, numpy as np; from protoface.cascade.mtcnn.given_pictures import pictures;"
        "pictures(np.zeros((4, 4, 3), np.uint8)); print({'PIL', 'torch'} & set(sys.modules))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
