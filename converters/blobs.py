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
    return np.require(blob_view(blob, where), requirements="W")


def blob_view(blob: caffe_pb2.BlobProto, where: str) -> Array:
    """The same as `to_array`, to be read only: a copy less."""
    check_blob(blob, where)
    return _values(blob).reshape(blob_shape(blob))


def check_blob(blob: caffe_pb2.BlobProto, where: str) -> None:
    """Raise ProtofaceError naming `where` if the shape of a blob does not fit its values."""
    shape, count = blob_shape(blob), len(blob.double_data) or len(blob.data)
    if any(size < 0 for size in shape) or count != math.prod(shape):
        raise ProtofaceError(
            f"{where}: shape {list(shape)} does not fit its {count} values; the file is damaged"
        )


def to_blob(array: Array) -> caffe_pb2.BlobProto:
    """A blob of `array`: `double_data` for float64, `data` (float32) for every other type."""
    blob = caffe_pb2.BlobProto()
    fill_blob(blob, array)
    return blob


def fill_blob(blob: caffe_pb2.BlobProto, array: Array) -> None:
    """Put `array` into an empty blob: the same as `to_blob` with a copy less."""
    double = array.dtype == np.float64
    # order "C" but not ascontiguousarray, which would turn a single number into a list of one
    content = np.asarray(array, "<f8" if double else "<f4", "C").data
    blob.shape.dim.extend(array.shape)
    # As bytes on the wire: `blob.data.extend` converts one value at a time, 200 times slower.
    blob.MergeFromString(bytes_field(DOUBLE_DATA_FIELD if double else DATA_FIELD, content))


def bytes_field(number: int, content: bytes | memoryview) -> bytes:
    """`content` as the field `number` of a serialised message (wire type 2: a length, then bytes)."""
    size = content.nbytes if isinstance(content, memoryview) else len(content)
    return b"".join((field_head(number, size), content))


def field_head(number: int, size: int) -> bytes:
    """What stands before the `size` bytes of a field: its number with the wire type 2, and the size."""
    return _varint(number << 3 | 2) + _varint(size)


def _values(blob: caffe_pb2.BlobProto) -> Array:
    """All values of a blob, flat. As bytes off the wire, bit for bit, and fast in every protobuf.

    Read one by one, some versions make signalling NaNs quiet ones, and all but the newest are slow.
    """
    double = bool(blob.double_data)
    held = blob.double_data if double else blob.data
    if hasattr(held, "__array__"):  # the newest versions copy all at once
        return np.asarray(held)
    kind = np.dtype("<f8" if double else "<f4")
    size = len(held) * kind.itemsize
    number = DOUBLE_DATA_FIELD if double else DATA_FIELD
    content = blob.SerializeToString()
    # One field of this number and size, packed; what lies before it is short, but for the other kind
    # of values in a file that holds both.
    start = _field_start(content, number, size)
    values = np.frombuffer(content, kind, size // kind.itemsize, start)
    return values.astype(kind.newbyteorder("="), copy=False)


def _field_start(content: bytes, number: int, size: int) -> int:
    """Where the `size` bytes of the field `number` lie in a serialised message."""
    position = 0
    while size and position < len(content):
        tag, position = _read_varint(content, position)
        wire = tag & 7
        length = {1: 8, 5: 4}.get(wire, 0)
        if wire in (0, 2):
            value, position = _read_varint(content, position)
            length = value if wire == 2 else 0
        if tag == (number << 3 | 2) and length == size:
            return position
        position += length
    return position


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it."""
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, position


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
