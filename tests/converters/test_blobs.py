"""Blobs as arrays, bit for bit, and shapes of every age."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.blobs import blob_shape, to_array, to_blob

# Quiet and signalling NaNs with payloads, infinities, both zeros, a denormal, the largest.
BITS_32 = [0x7FC00001, 0xFFC12345, 0x7FA00001, 0xFF800001, 0x7F800000, 0xFF800000, 0, 1 << 31, 1]
BITS_64 = [bits << 32 | 0xDEADBEEF for bits in (0x7FF80000, 0xFFF81234, 0x7FF40000, 0x3FF00000)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3), (2, 1, 3, 4), (2, 3, 1, 2, 2)])
def test_arrays_come_back(kind, shape):
    array = np.random.default_rng(0).normal(size=shape).astype(kind)
    blob = to_blob(array)
    again = to_array(blob, "blob")
    assert again.shape == shape
    assert again.tobytes() == array.tobytes()
    if array.size:
        assert again.dtype == kind


@pytest.mark.parametrize(("bits", "word", "kind"), [(BITS_32, "u4", "f4"), (BITS_64, "u8", "f8")])
def test_every_bit_survives(bits, word, kind):
    array = np.array(bits, word).view(kind)
    blob = caffe_pb2.BlobProto.FromString(to_blob(array).SerializeToString())
    assert to_array(blob, "blob").view(word).tolist() == bits


def test_protobuf_reads_what_is_written():
    blob = to_blob(np.arange(300, dtype=np.float32).reshape(2, 150))
    assert list(blob.data) == list(range(300))
    assert list(blob.shape.dim) == [2, 150]
    double = to_blob(np.array([1e300]))
    assert (list(double.double_data), list(double.data)) == ([1e300], [])


def test_other_types_become_float32():
    assert to_array(to_blob(np.array([1, 2], np.float16)), "b").dtype == np.float32
    assert to_array(to_blob(np.array([[1, 2], [3, 4]], ">f4").T), "b").tolist() == [[1, 3], [2, 4]]


def test_neither_diffs_nor_unknown_fields_get_in():
    blob = to_blob(np.array([1, 2], np.float32))
    blob.diff.extend([7, 8])
    blob.double_diff.extend([9])
    blob.MergeFromString(b"\xa2\x06\x03abc")  # field 100, of some fork
    assert to_array(blob, "blob").tolist() == [1, 2]


def test_shapes_of_2014():
    blob = caffe_pb2.BlobProto(num=2, channels=1, height=1, width=3, data=range(6))
    assert blob_shape(blob) == (2, 1, 1, 3)
    assert to_array(blob, "blob").shape == (2, 1, 1, 3)
    assert blob_shape(caffe_pb2.BlobProto(num=1)) == (1, 0, 0, 0)


def test_the_result_may_be_written_to():
    array = to_array(to_blob(np.zeros(3, np.float32)), "blob")
    array += 1
    assert array.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "blob",
    [
        {"shape": {"dim": [2, 2]}, "data": [1, 2, 3]},
        {"shape": {"dim": [-1, -3]}, "data": [1, 2, 3]},
        {"shape": {"dim": [2**62, 2**62]}, "data": [1, 2, 3]},
        {"shape": {"dim": [3]}, "double_data": [1, 2]},
        {"num": 1, "data": [1]},
        {"shape": {"dim": []}},
    ],
)
def test_a_shape_that_does_not_fit(blob):
    with pytest.raises(ProtofaceError, match="net: layer 'a', blob 0: shape .* the file is damaged"):
        to_array(caffe_pb2.BlobProto(**blob), "net: layer 'a', blob 0")
