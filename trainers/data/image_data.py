"""ImageData: a list of pictures with their labels, decoded once, all at the same time.

Source: Caffe, src/caffe/layers/image_data_layer.cpp, src/caffe/data_transformer.cpp, and the original
experiment's layer of the same name, which takes several labels a line.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from protoface.cascade.lists import read_lines
from protoface.cascade.parallel import cores
from protoface.cascade.pictures import read_grey, read_picture
from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.blobs import to_array
from protoface.converters.files import read_bytes

from .columns import Columns, LayerParameter

Picture = NDArray[np.uint8]
Transformation = caffe_pb2.TransformationParameter


@dataclass(frozen=True)
class ImageList:
    """Names of pictures, as they stand in the list, and their labels (rows, numbers), float32."""

    path: str
    names: tuple[str, ...]
    labels: NDArray[np.float32]


def read_image_list(path: str) -> ImageList:
    """Read lines of `name number number ...`, equally many numbers in each; empty lines are skipped.

    Raises ProtofaceError naming file and line.
    """
    names: list[str] = []
    labels: list[list[float]] = []
    lines = read_lines(path, "surrogateescape")  # a name of a file may be any bytes
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, values = _entry(line)
        if not values or len(values) != len(labels[0] if labels else values):
            expected = len(labels[0]) if labels else "at least 1"
            raise ProtofaceError(f"{path}: line {number}: {len(values)} labels, expected {expected}")
        if not all(map(math.isfinite, values)):
            raise ProtofaceError(f"{path}: line {number}: a label is not finite")
        names.append(name)
        labels.append(values)
    if not names:
        raise ProtofaceError(f"{path}: names no pictures")
    return ImageList(path, tuple(names), np.array(labels, np.float32))


def _entry(line: str) -> tuple[str, list[float]]:
    """A name, which may hold spaces, and all the numbers at the end of a line."""
    values: list[float] = []
    for word in reversed(line.split()[1:]):
        try:
            values.append(float(word))
        except ValueError:
            break
    return line.strip().rsplit(None, len(values))[0], values[::-1]


def read_image_data(layer: LayerParameter, dtype: torch.dtype) -> Columns:
    """The pictures (uint8) and labels of an ImageData layer. Raises ProtofaceError."""
    options = layer.image_data_param
    if bool(options.new_height) != bool(options.new_width):
        raise ProtofaceError("new_height and new_width go together")
    listed = read_image_list(options.source)
    size = (options.new_width, options.new_height) if options.new_width else None
    pictures = decode(listed, options.root_folder, size, options.is_color)
    height, width = pictures.shape[1:3]
    crop = layer.transform_param.crop_size
    if crop > min(height, width):
        raise ProtofaceError(f"crop_size {crop} is larger than its pictures, {width} x {height}")
    prepare = transform(
        layer.transform_param, layer.phase == caffe_pb2.TRAIN, pictures.shape[1:], dtype
    )
    top = (pictures.shape[3], crop or height, crop or width)
    # one number a picture makes a label without a second axis, as in BVLC Caffe
    labels = listed.labels if listed.labels.shape[1] > 1 else listed.labels[:, 0]
    tensors = (torch.from_numpy(pictures), torch.from_numpy(labels))
    return Columns(tensors, (top, labels.shape[1:]), prepare)


def decode(
    listed: ImageList, root_folder: str, size: tuple[int, int] | None, is_color: bool
) -> Picture:
    """Every picture of a list, uint8 (rows, height, width, channels), BGR, on all cores.

    `size` is (width, height) or None: then all must have the first one's. `read_picture` and
    `cv2.resize` (bilinear on uint8), as Caffe does it.
    """

    def read(name: str) -> Picture:
        # the folder and the name are joined without a separator, as in Caffe
        picture = _read(root_folder + name, is_color, listed.path)
        return np.asarray(picture if size is None else cv2.resize(picture, size), np.uint8)

    first = read(listed.names[0])
    pictures = np.empty((len(listed.names), *first.shape), np.uint8)

    def store(index: int) -> None:
        picture = read(listed.names[index])
        if picture.shape != first.shape:
            raise ProtofaceError(
                f"{listed.path}: picture {listed.names[index]} is {picture.shape[:2]}, the first one "
                f"{first.shape[:2]}; give new_height and new_width"
            )
        pictures[index] = picture

    _in_parallel(store, len(pictures), f"reading {listed.path}")
    return pictures if pictures.ndim == 4 else pictures[..., None]


def _read(path: str, is_color: bool, where: str) -> Picture:
    """One picture; errors begin with `where`."""
    try:
        return read_picture(path) if is_color else read_grey(path)
    except ProtofaceError as error:
        why = str(error).removeprefix(f"{path}: ")
        what = f"cannot be decoded: {why}" if os.path.exists(path) else "is missing"
        raise ProtofaceError(f"{where}: picture {path} {what}") from error


def transform(
    options: Transformation, train: bool, shape: tuple[int, ...], dtype: torch.dtype
) -> Callable[[Tensor], Tensor]:
    """`transform_param` as a function from pictures (N, H, W, C) to a blob (N, C, H, W).

    Crops (at random in TRAIN, else the centre), mirrors half of the pictures, subtracts the mean and
    multiplies by `scale`. The blob is channels_last in memory: nothing is copied to get there.
    """
    means = {torch.device("cpu"): _mean(options, shape).to(dtype)}  # by device, copied there once
    crop = options.crop_size

    def prepare(pictures: Tensor) -> Tensor:
        if pictures.device not in means:
            means[pictures.device] = means[torch.device("cpu")].to(pictures.device)
        centred = pictures - means[pictures.device]
        if crop:
            centred = _crop(centred, crop, train)
        if options.mirror:
            flipped = torch.rand(len(centred), 1, 1, 1, device=centred.device) < 0.5
            centred = torch.where(flipped, centred.flip(2), centred)
        if options.scale != 1:
            centred = centred * options.scale
        return centred.permute(0, 3, 1, 2)

    return prepare


def _mean(options: Transformation, shape: tuple[int, ...]) -> Tensor:
    """The mean to subtract, broadcastable to (N, H, W, C)."""
    height, width, channels = shape
    if options.mean_file:
        if options.mean_value:
            raise ProtofaceError("has both mean_file and mean_value")
        blob = caffe_pb2.BlobProto.FromString(read_bytes(options.mean_file))
        mean = to_array(blob, options.mean_file)
        if mean.size != math.prod(shape):
            raise ProtofaceError(
                f"{options.mean_file}: shape {list(mean.shape)}, pictures {list(shape)}"
            )
        return torch.from_numpy(mean.reshape(channels, height, width).transpose(1, 2, 0).copy())
    values = list(options.mean_value) or [0.0]
    if len(values) not in (1, channels):
        raise ProtofaceError(f"{len(values)} mean_value for {channels} channels")
    return torch.tensor(values, dtype=torch.float64)


def _crop(pictures: Tensor, size: int, random: bool) -> Tensor:
    count, height, width = pictures.shape[:3]
    if not random:
        top, left = (height - size) // 2, (width - size) // 2
        return pictures[:, top : top + size, left : left + size]
    window = torch.arange(size, device=pictures.device)
    starts = [
        torch.randint(free + 1, (count, 1), device=pictures.device)
        for free in (height - size, width - size)
    ]
    rows, columns = (start + window for start in starts)
    each = torch.arange(count, device=pictures.device)[:, None, None]
    return pictures[each, rows[:, :, None], columns[:, None, :]]


def _in_parallel(item: Callable[[int], None], count: int, title: str) -> None:
    """Run `item(0)` to `item(count - 1)` on all cores, with a progress bar; OpenCV frees the GIL."""
    with ThreadPoolExecutor(cores(None)) as pool, tqdm(total=count, desc=title, disable=None) as bar:
        try:
            for _ in pool.map(item, range(count)):
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
