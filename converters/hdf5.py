"""Checks of an HDF5 file before its C library reads it: damage that would make the library hang."""

from __future__ import annotations

import mmap
import os
import struct

from .errors import ProtofaceError
from .files import check_readable

SIGNATURE = b"\x89HDF\r\n\x1a\n"
END_OF_LIST = 1  # no free block (H5HLpkg.h, H5HL_FREE_NULL)


def check_hdf5(path: str | os.PathLike[str]) -> None:
    """Raise ProtofaceError naming `path` for a file that is no HDF5, or would hang its library.

    HDF5 up to 2.0 follows the free blocks of a group's names (a local heap) without looking whether it
    was there before: a circle takes all memory and never ends. Found by `make fuzz`.
    """
    check_readable(path)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(SIGNATURE)] != SIGNATURE:
            raise ProtofaceError(f"{path}: not an HDF5 file")
        # sizes of addresses and lengths: behind four versions and a zero in superblocks 0 and 1
        sizes = content[13:15] if content[8:9] < b"\2" else content[9:11]
        if sizes != b"\x08\x08":
            raise ProtofaceError(f"{path}: has no addresses of 8 bytes, as Caffe and h5py write")
        heap = content.find(b"HEAP")
        while heap >= 0:
            if _goes_in_circles(content, heap):
                raise ProtofaceError(f"{path}: the names of a group are damaged")
            heap = content.find(b"HEAP", heap + 1)


def _goes_in_circles(content: mmap.mmap, heap: int) -> bool:
    """Whether the free blocks of what may be a local heap at `heap` lead back to one of them.

    Weights may hold the four letters by chance; what they lead to lies outside the file then.
    Source: HDF5 File Format Specification 3.0, III.D, Local Heaps.
    """
    if heap + 32 > len(content):
        return False
    size, block, start = struct.unpack_from("<QQQ", content, heap + 8)
    met = set()
    while block != END_OF_LIST and block + 16 <= size and start + block + 8 <= len(content):
        if block in met:
            return True
        met.add(block)
        (block,) = struct.unpack_from("<Q", content, start + block)
    return False
