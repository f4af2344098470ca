"""Training data in memory: read once, then cut into batches by tensor indexing alone."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.graph import Net
from protoface.converters.layers import layer_types
from protoface.converters.layers.data import Data
from protoface.converters.paths import discreet

from ..net.memory import laid_out
from .columns import Columns, LayerParameter
from .hdf5_data import read_hdf5_data
from .image_data import read_image_data

GPU_SHARE = 0.5  # of the free memory of a GPU that pictures may take; activations need the rest


class Batches:
    """Endless batches out of columns, in an order that depends on `seed` and the epoch only.

    `position` counts the rows handed out so far, over all processes: it and the seed are all that
    continuing needs. With several processes each takes every `world`-th batch.
    """

    def __init__(
        self,
        name: str,
        columns: Columns,
        batch_size: int,
        shuffle: bool,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        if batch_size < 1 or not columns.rows:
            raise ProtofaceError(f"layer '{name}': batch_size {batch_size} of {columns.rows} rows")
        self.name, self.batch_size, self.shuffle, self.seed = name, batch_size, shuffle, seed
        self.device, self.dtype = device, dtype
        self.shapes = tuple((batch_size, *shape) for shape in columns.shapes)
        self.position = 0
        self._columns = columns
        self._tensors = tuple(_placed(tensor, device) for tensor in columns.tensors)
        self._orders: dict[int, Tensor] = {}

    @property
    def on_device(self) -> bool:
        """Whether the data lies where the net computes; else batches are copied there."""
        return all(tensor.device.type == self.device.type for tensor in self._tensors)

    def next(self, rank: int = 0, world: int = 1) -> list[Tensor]:
        """The next batch of every top, on the device, in the type of the net."""
        return self.tops(self.next_rows(rank, world))

    def next_rows(self, rank: int = 0, world: int = 1) -> Tensor:
        """Indices of the next batch, where the data lies."""
        rows = self._rows(self.position + rank * self.batch_size)
        self.position += world * self.batch_size
        return rows

    def tops(self, rows: Tensor) -> list[Tensor]:
        """The batch of some rows of every top, on the device, in the type of the net."""
        first, *others = (tensor.index_select(0, rows) for tensor in self._tensors)
        picked = [
            first.to(self.device, non_blocking=True),
            *(other.to(self.device) for other in others),
        ]
        tops = [self._columns.prepare(picked[0].to(self.dtype)), *picked[1:]]
        return [laid_out(top.to(self.dtype)) for top in tops]

    def _rows(self, start: int) -> Tensor:
        """Indices of one batch; it may begin in one epoch and end in another one."""
        parts, missing = [], self.batch_size
        while missing:
            epoch, offset = divmod(start, self._columns.rows)
            parts.append(self._order(epoch)[offset : offset + missing])
            start, missing = start + len(parts[-1]), missing - len(parts[-1])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            order = np.arange(self._columns.rows)
            if self.shuffle:
                np.random.default_rng([self.seed, epoch]).shuffle(order)
            # two at most: the epochs that a batch can touch
            self._orders = {old: self._orders[old] for old in self._orders if old == epoch - 1}
            self._orders[epoch] = _copied(torch.from_numpy(order), self._tensors[0].device)
        return self._orders[epoch]


def open_data(
    net: Net, source: str, seed: int, device: torch.device, dtype: torch.dtype
) -> dict[str, Batches]:
    """Read what every data layer of a net (one phase) names, by layer.

    Raises ProtofaceError naming `source` and the layer, or the file and line that are wrong.
    """
    readers = {"ImageData": read_image_data, "HDF5Data": read_hdf5_data}
    opened: dict[str, Batches] = {}
    for layer in net.layer:
        if layer.bottom:
            continue
        if layer.type not in readers:
            raise ProtofaceError(
                f"{source}: layer '{layer.name}' ({layer.type}) cannot feed a training net; "
                f"use {' or '.join(readers)}"
            )
        try:
            with discreet(_options(layer).source, [os.curdir, Path(source).parent], "training data"):
                columns = readers[layer.type](layer, dtype)
            if len(columns.tensors) != len(layer.top):
                raise ProtofaceError(f"has {len(layer.top)} tops, reads {len(columns.tensors)}")
            opened[layer.name] = _batches(layer, columns, seed, device, dtype)
        except ProtofaceError as error:
            raise ProtofaceError(f"{source}: layer '{layer.name}': {error}") from error
    return opened


def is_data_layer(layer: LayerParameter) -> bool:
    """Whether the layer reads files."""
    return layer_types().get(layer.type) is Data


def _options(layer: LayerParameter) -> caffe_pb2.ImageDataParameter | caffe_pb2.HDF5DataParameter:
    return layer.image_data_param if layer.type == "ImageData" else layer.hdf5_data_param


def _batches(
    layer: LayerParameter, columns: Columns, seed: int, device: torch.device, dtype: torch.dtype
) -> Batches:
    options = _options(layer)
    batches = Batches(layer.name, columns, options.batch_size, options.shuffle, seed, device, dtype)
    if layer.image_data_param.rand_skip:
        skip = np.random.default_rng([seed, columns.rows]).integers(layer.image_data_param.rand_skip)
        batches.position = int(skip)
    return batches


def _copied(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; a GPU's work is not waited for, as it would be out of common memory."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device if it fits, else in pinned memory, from where a GPU copies fastest."""
    if device.type != "cuda":
        return tensor
    free, _ = torch.cuda.mem_get_info(device)
    size = math.prod(tensor.shape) * tensor.element_size()
    return tensor.to(device) if size < GPU_SHARE * free else tensor.pin_memory()
