"""Damage in an HDF5 file that its own library would hang on."""

import struct

import pytest

from protoface.converters import ProtofaceError, read_weights, write_weights
from protoface.converters.hdf5 import check_hdf5

NET = """
layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 4] } } }
layer { name: 'f' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 2 } }
"""


@pytest.fixture
def file(tmp_path, net_of, filled):
    write_weights(tmp_path / "n.h5", filled(net_of(NET)))
    return tmp_path / "n.h5"


def test_a_sound_file(file):
    check_hdf5(file)
    assert file.read_bytes().count(b"HEAP") == 4  # of the root, /data, /data/x and /data/f


def test_free_blocks_in_a_circle(file):
    """The library allocates a record for each block that it meets, for ever: it must not be asked."""
    content = bytearray(file.read_bytes())
    heap = content.rindex(b"HEAP")
    _, _, start = struct.unpack_from("<QQQ", content, heap + 8)
    struct.pack_into("<Q", content, heap + 16, 8)  # the first free block is at 8 ...
    struct.pack_into("<QQ", content, start + 8, 8, 16)  # ... and the next one is itself
    file.write_bytes(content)
    with pytest.raises(ProtofaceError, match="n.h5: the names of a group are damaged"):
        read_weights(file)


def test_letters_that_are_no_heap(file, net_of, filled):
    """Weights may spell anything."""
    content = file.read_bytes()
    for tail in (b"HEAP", b"HEAP" + bytes(28), b"HEAP" + b"\xff" * 60):
        file.write_bytes(content + tail)
        assert read_weights(file).layer[0].name == "f"


@pytest.mark.parametrize(
    ("place", "byte", "message"),
    [
        (1, 0, "not an HDF5 file"),
        (13, 4, "no addresses of 8 bytes"),
        (14, 2, "no addresses of 8 bytes"),
    ],
)
def test_another_format(file, place, byte, message):
    content = bytearray(file.read_bytes())
    content[place] = byte
    file.write_bytes(content)
    with pytest.raises(ProtofaceError, match=message):
        read_weights(file)
