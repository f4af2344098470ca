"""Caffe's blobs as numpy arrays, and the way back, without touching a single value."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import caffe_pb2
from .errors import ProtofaceError

Shape = tuple[int, ...]
Array = NDArray[np.floating]

DATA_FIELD, DOUBLE_DATA_FIELD = 5, 8  # of BlobProto, both packed


def blob_shape(blob: caffe_pb2.BlobProto) -> Shape:
    """Shape of a blob; files of 2014 and before say num, channels, height, width (always four axes)."""
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    if any(blob.HasField(name) for name in ("num", "channels", "height", "width")):
        return (blob.num, blob.channels, blob.height, blob.width)
    return ()


def to_array(blob: caffe_pb2.BlobProto, where: str) -> Array:
    """The values of a blob: float64 where it holds `double_data`, else float32; C order.

    `where` names layer and file in errors. Raises ProtofaceError if the shape does not fit the values.
    """
    shape = blob_shape(blob)
    values = _values(blob)
    if any(size < 0 for size in shape) or values.size != math.prod(shape):
        raise ProtofaceError(
            f"{where}: shape {list(shape)} does not fit its {values.size} values; the file is damaged"
        )
    return values.reshape(shape)


def to_blob(array: Array) -> caffe_pb2.BlobProto:
    """A blob of `array`: `double_data` for float64, `data` (float32) for every other type."""
    double = array.dtype == np.float64
    content = np.ascontiguousarray(array, "<f8" if double else "<f4").tobytes()
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(array.shape)
    # As bytes on the wire: `blob.data.extend` converts one value at a time, 200 times slower.
    blob.MergeFromString(bytes_field(DOUBLE_DATA_FIELD if double else DATA_FIELD, content))
    return blob


def bytes_field(number: int, content: bytes) -> bytes:
    """`content` as the field `number` of a serialised message (wire type 2: a length, then bytes)."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _values(blob: caffe_pb2.BlobProto) -> Array:
    """All values of a blob, flat. As bytes off the wire, bit for bit, and fast in every protobuf.

    Read one by one, some versions make signalling NaNs quiet ones, and all but the newest are slow.
    """
    double = bool(blob.double_data)
    alone = caffe_pb2.BlobProto()
    alone.CopyFrom(blob)
    alone.DiscardUnknownFields()
    for field in ("num", "channels", "height", "width", "shape", "diff", "double_diff"):
        alone.ClearField(field)
    alone.ClearField("data" if double else "double_data")
    count = len(alone.double_data) if double else len(alone.data)
    # The one field that is left, packed: its values are the last bytes.
    content = alone.SerializeToString()
    kind = np.dtype("<f8" if double else "<f4")
    start = len(content) - count * kind.itemsize
    return np.frombuffer(content, kind, count, start).astype(kind.newbyteorder("="))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
