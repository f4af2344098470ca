"""HDF5 files, which may be anybody's: what they hold themselves, and nothing of any other file."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from .blobs import Array
from .errors import ProtofaceError
from .files import PathLike, check_readable

SIGNATURE = b"\x89HDF\r\n\x1a\n"
TREE = b"TREE"
END_OF_LIST = 1  # no free block (H5HLpkg.h, H5HL_FREE_NULL)
KINDS = {"f": "floats", "i": "integers", "u": "integers without a sign", "S": "text"}
#: What a file holds, by its full names (`data/ip/0`).
Items = dict[str, h5py.Group | h5py.Dataset]
#: Groups and data sets of a file, and how deep they lie: above what nets and training data have.
MOST_OBJECTS, DEEPEST = 50_000, 64
# Deflate, the filter that h5py has, packs zeros 1032 times: what claims more is a damaged file.
MAXIMUM_COMPRESSION = 1100
#: Bytes that a file may unpack to if that is more than USUAL_COMPRESSION times its size.
UNPACKED, USUAL_COMPRESSION = 1 << 30, 20


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
        _check_trees(path, content)


def _check_trees(path: PathLike, content: mmap.mmap) -> None:
    """Raise ProtofaceError if nodes of an index lead back to themselves: beside or below each other.

    The library would follow them for ever, or until its stack is full. Of the indices of chunks only
    the nodes beside each other are looked at. Source: HDF5 File Format Specification 3.0, III.A.1.
    """
    done: set[int] = set()
    start = content.find(TREE)
    while start >= 0:
        chain: set[int] = set()
        node = start
        while node not in done and _is_tree(content, node):
            if node in chain or not _goes_down(content, node):
                raise ProtofaceError(f"{path}: the index of a group is damaged")
            chain.add(node)
            (node,) = struct.unpack_from("<Q", content, node + 16)  # the right sibling
        done |= chain
        start = content.find(TREE, start + 1)


def _is_tree(content: mmap.mmap, node: int) -> bool:
    return node + 24 <= len(content) and content[node : node + 4] == TREE


def _goes_down(content: mmap.mmap, node: int) -> bool:
    """Whether the nodes below that of a group's index have lower levels."""
    kind, level, count = struct.unpack_from("<BBH", content, node + 4)
    if kind != 0 or level == 0:  # leaves hold no nodes; of chunks the size of a key is not known here
        return True
    # a key of 8 bytes before each child
    last = min(count, (len(content) - node - 24) // 16)
    children = [struct.unpack_from("<Q", content, node + 32 + 16 * index)[0] for index in range(last)]
    return not any(_is_tree(content, child) and content[child + 5] >= level for child in children)


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


@contextmanager
def open_hdf5(path: PathLike) -> Iterator[Items]:
    """The groups and data sets of an HDF5 file, in the order of their names.

    What the library reports while it is open is raised as ProtofaceError naming `path`, and so is all
    that leads into another file: links, external storage, virtual data sets.
    """
    check_hdf5(path)
    try:
        with h5py.File(path, "r") as file:
            yield _items(path, file)
    except ProtofaceError:
        raise
    except (OSError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ProtofaceError(f"{path}: not a readable HDF5 file ({error})") from error


@contextmanager
def writing_hdf5(path: Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that is made in memory; `path` gets its bytes in the end.

    HDF5 itself ends the process when a file that it closes finds the disk full.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        content = file.id.get_file_image()
    path.write_bytes(content)


def _items(path: PathLike, file: h5py.File) -> Items:
    """Each object once, walked without recursion: deep groups would exhaust h5py's own walk."""
    found: Items = {}
    waiting, met = [("", file.id)], {_identity(file.id, b".")}
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, h5py.h5d.DatasetID):
            _check_storage(path, name, item)
            found[name] = h5py.Dataset(item)
        elif isinstance(item, h5py.h5g.GroupID):
            found[name] = h5py.Group(item)
            for part in _own(path, name, item):
                if (identity := _identity(item, part)) not in met:
                    met.add(identity)
                    inner = part.decode("utf-8")
                    waiting.append((f"{name}/{inner}" if name else inner, h5py.h5o.open(item, part)))
        if len(met) > MOST_OBJECTS or name.count("/") > DEEPEST:
            raise ProtofaceError(
                f"{path}: more than {MOST_OBJECTS:,} groups and data sets, or more than {DEEPEST} "
                "levels of them; no net's weights are like that"
            )
    return found


def _own(path: PathLike, name: str, group: h5py.h5g.GroupID) -> list[bytes]:
    """What a group itself holds, backwards: the last that is put on a stack is looked at first."""
    own = list(group)
    for part in own:
        # a soft link may go on through a link into another file, and neither Caffe nor h5py makes one
        if group.links.get_info(part).type != h5py.h5l.TYPE_HARD:
            raise ProtofaceError(
                f"{path}: /{name} holds a link, which may lead into another file; put what it leads to "
                "in its place"
            )
    return own[::-1]


def _identity(group: h5py.h5g.GroupID, name: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """What an object is the same by under all of its names. h5o.get_info would walk its index, too."""
    found = h5py.h5g.get_objinfo(group, name)
    return found.fileno, found.objno


def _check_storage(path: PathLike, name: str, item: h5py.h5d.DatasetID) -> None:
    plan = item.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise ProtofaceError(
            f"{path}: /{name} lies in another file (external storage, or a virtual data set); copy its "
            "values into this one"
        )


def read_arrays(
    path: PathLike, items: Mapping[str, h5py.Dataset], kinds: str = "f"
) -> dict[str, Array]:
    """The values of some data sets of `open_hdf5`, by the same names.

    `kinds` are those of NumPy that they may hold, keys of KINDS. Raises ProtofaceError for others, and
    for more values than the file can hold.
    """
    for name, item in items.items():
        if not isinstance(item, h5py.Dataset):
            raise ProtofaceError(f"{path}: /{name} is a group, not a data set")
        if item.dtype.kind not in kinds:
            wanted = " or ".join(KINDS[kind] for kind in kinds)
            raise ProtofaceError(f"{path}: /{name} holds {item.dtype}, not {wanted}")
        # Space that was declared but never written takes none in the file, and could be any size.
        if item.nbytes > MAXIMUM_COMPRESSION * item.id.get_storage_size():
            raise ProtofaceError(f"{path}: /{name} of shape {list(item.shape)} is not in the file")
    total, size = sum(item.nbytes for item in items.values()), os.path.getsize(path)
    if total > min(MAXIMUM_COMPRESSION * size, max(UNPACKED, USUAL_COMPRESSION * size)):
        raise ProtofaceError(
            f"{path}: its {size:,} bytes unpack to {total:,}; store so much without compression"
        )
    return {name: np.asarray(item[()]) for name, item in items.items()}
