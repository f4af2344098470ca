"""ImageData: pixels as OpenCV gives them, transform_param, lists; bad lists are in test_train.py."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, caffe_pb2, filter_net, read_net
from protoface.converters.blobs import to_blob
from protoface.converters.graph import TEST, TRAIN
from protoface.converters.prototxt import parse_message
from protoface.trainers.data import image_data
from protoface.trainers.data.batches import open_data
from protoface.trainers.data.image_data import Transformation, decode, read_image_list, transform

from ..solver.small_run import edit

CPU = torch.device("cpu")


def first_batch(
    phase: caffe_pb2.Phase = TRAIN, dtype: torch.dtype = torch.float64
) -> list[torch.Tensor]:
    net = filter_net(read_net("net.prototxt"), phase)
    return open_data(net, "net", 1, CPU, dtype)["data"].next()


def test_pixels_are_cv2s_to_the_bit(folder: Path) -> None:
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    edit("net.prototxt", "shuffle: true", "")
    pictures, labels = first_batch()
    scale = float(np.float32(0.01))
    for index, picture in enumerate(pictures.numpy()):
        read = cv2.resize(cv2.imread(f"pictures/{index}.png"), (24, 24))
        np.testing.assert_array_equal(picture, (read.transpose(2, 0, 1) - 127.5) * scale)
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(labels.numpy(), read_image_list("list.txt").labels[:5])
    assert labels.dtype == torch.float64


def test_grey_pictures_of_their_own_size(folder: Path) -> None:
    edit("net.prototxt", "new_height: 24 new_width: 24", "is_color: false")
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    edit("net.prototxt", "shuffle: true", "")
    pictures, _ = first_batch()
    read = cv2.imread("pictures/0.png", cv2.IMREAD_GRAYSCALE)
    assert pictures.shape == (5, 1, 26, 30)
    np.testing.assert_allclose(pictures[0, 0].numpy(), (read - 127.5) * 0.01, rtol=1e-6)


def test_one_label_has_no_second_axis(folder: Path) -> None:
    lines = [" ".join(line.split()[:2]) for line in Path("list.txt").read_text().splitlines()]
    Path("list.txt").write_text("\n".join(lines))
    assert first_batch()[1].shape == (5,)


def prepared(text: str, phase_train: bool, pictures: torch.Tensor) -> torch.Tensor:
    options = parse_message(text, Transformation(), "transform")
    return transform(options, phase_train, tuple(pictures.shape[1:]), torch.float64)(pictures)


def coordinates(count: int, height: int, width: int) -> torch.Tensor:
    """Pictures whose channels are their row and column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns], dim=-1).expand(count, -1, -1, -1).double()


def test_centre_crop_in_test() -> None:
    blob = prepared("crop_size: 3", False, coordinates(2, 8, 9))
    np.testing.assert_array_equal(blob[0, 0, :, 0].numpy(), [2, 3, 4])
    np.testing.assert_array_equal(blob[1, 1, 0].numpy(), [3, 4, 5])


def test_random_crops_in_train_reach_every_place() -> None:
    torch.manual_seed(0)
    blob = prepared("crop_size: 3", True, coordinates(500, 8, 9))
    assert set(blob[:, 0, 0, 0].tolist()) == set(range(6))
    assert set(blob[:, 1, 0, 0].tolist()) == set(range(7))
    np.testing.assert_array_equal((blob[:, 0] - blob[:, 0, :1]).amax((1, 2)).numpy(), 2)


@pytest.mark.parametrize("train", [True, False])
def test_half_of_the_pictures_are_mirrored_in_both_phases(train: bool) -> None:
    torch.manual_seed(0)
    blob = prepared("mirror: true", train, coordinates(400, 2, 5))
    first = blob[:, 1, 0, 0]
    assert 150 < int((first == 4).sum()) < 250
    assert set(first.tolist()) == {0.0, 4.0}


def test_mean_per_channel_then_scale() -> None:
    blob = prepared("mean_value: 1 mean_value: 2 scale: 0.5", True, coordinates(1, 3, 3))
    assert float(blob[0, 0, 2, 0]) == 0.5
    assert float(blob[0, 1, 0, 0]) == -1


def test_mean_file(tmp_path: Path) -> None:
    mean = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    (tmp_path / "mean.binaryproto").write_bytes(to_blob(mean).SerializeToString())
    pictures = coordinates(1, 3, 4)
    blob = prepared(f'mean_file: "{tmp_path}/mean.binaryproto"', True, pictures)
    np.testing.assert_array_equal(blob.numpy(), pictures.permute(0, 3, 1, 2).numpy() - mean)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean_value: 1 mean_value: 2 mean_value: 3", "3 mean_value for 2 channels"),
        ('mean_value: 1 mean_file: "m"', "both mean_file and mean_value"),
        ('mean_file: "nothing"', "nothing: No such file"),
    ],
)
def test_refused_transforms(text: str, message: str) -> None:
    with pytest.raises(ProtofaceError, match=message):
        prepared(text, True, coordinates(1, 3, 3))


def test_pictures_of_several_sizes(folder: Path) -> None:
    edit("net.prototxt", "new_height: 24 new_width: 24", "")
    cv2.imwrite("pictures/9.png", np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(ProtofaceError, match=r"9.png is \(5, 5\), the first one \(26, 30\)"):
        first_batch(TEST)


def test_an_empty_list(folder: Path) -> None:
    Path("list.txt").write_text("\n\n")
    with pytest.raises(ProtofaceError, match="names no pictures"):
        first_batch()
    Path("list.txt").write_text("0.png nan 1 2 3\n")
    with pytest.raises(ProtofaceError, match="line 1: a label is not finite"):
        first_batch()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_pictures_are_read_on_the_cores_that_the_process_may_use(folder: Path) -> None:
    allowed, threads = os.sched_getaffinity(0), set()
    together = threading.Barrier(2)

    def place(index: int) -> None:
        threads.add(threading.get_ident())
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.1)  # a second thread, if there is one, gets the other item

    try:
        os.sched_setaffinity(0, {min(allowed)})
        image_data._in_parallel(place, 2, "pictures")
    finally:
        os.sched_setaffinity(0, allowed)
    assert len(threads) == 1


def test_a_picture_under_a_name_that_is_not_utf_8(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    os.rename("pictures/0.png", f"pictures/{name}")
    lines = Path("list.txt").read_bytes().replace(b"0.png", os.fsencode(name), 1)
    Path("list.txt").write_bytes(lines)
    listed = read_image_list("list.txt")
    assert listed.names[0] == name
    assert len(decode(listed, "pictures/", (24, 24), True)) == len(listed.names)


def test_a_picture_of_too_many_pixels_is_named(folder: Path) -> None:
    large = bytearray(Path("pictures/0.png").read_bytes())
    large[16:24] = struct.pack(">II", 30_000, 30_000)
    Path("pictures/0.png").write_bytes(large)
    with pytest.raises(
        ProtofaceError, match=r"list.txt: picture pictures/0.png .* 30000 x 30000 pixels"
    ):
        decode(read_image_list("list.txt"), "pictures/", None, True)
