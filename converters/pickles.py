"""Checks of a .pt file before PyTorch reads it: a few bytes can ask for gigabytes."""

from __future__ import annotations

import os
import pickletools
import zipfile
from collections.abc import Iterable
from typing import Any

from .errors import ProtofaceError
from .files import check_readable

#: What a state dict of plain tensors calls, besides PyTorch's classes of storages.
CALLED = (
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "collections OrderedDict",
)

#: Of an old file: a magic number, the version, the machine, the tensors, the order of their values.
_OLD_PICKLES = 5
#: Sizes, shapes and strides of tensors, for each byte of the file: a tensor of four bytes takes three.
MOST_NUMBERS = 4


def check_pickle(path: str | os.PathLike[str]) -> None:
    """Raise ProtofaceError naming `path` for a file that is not as `torch.save` writes a state dict.

    `weights_only` runs no foreign code, but it makes a `bytearray` of any size, and reads archives of
    packed zeros.
    """
    check_readable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise ProtofaceError(f"{path}: '{entry.filename}' is packed; PyTorch packs nothing")
                if entry.filename.endswith(".pkl"):
                    _check_calls(path, archive.read(entry))
    except ProtofaceError:
        raise
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise ProtofaceError(
            f"{path}: not a state dict of tensors as PyTorch 1.6 and newer write it ({error})"
        ) from error


def check_old_pickle(path: str | os.PathLike[str]) -> None:
    """`check_pickle` for a file that PyTorch before 1.6 wrote: five pickles, then the values.

    Numbers in the fourth, which describes the tensors, are sizes: what they add up to must be there.
    """
    check_readable(path)
    size = os.path.getsize(path)
    try:
        with open(path, "rb") as file:
            parts = [list(pickletools.genops(file)) for _ in range(_OLD_PICKLES)]
    except (OSError, EOFError, ValueError, UnicodeDecodeError) as error:
        raise ProtofaceError(
            f"{path}: not a state dict of tensors as PyTorch before 1.6 wrote it ({error})"
        ) from error
    for part in parts:
        _check_operations(path, part)
    sizes = [abs(value or 0) for operation, value, _ in parts[3] if _is_number(operation.name, value)]
    if sum(sizes) > MOST_NUMBERS * size:
        raise ProtofaceError(f"{path}: its tensors take more than the {size:,} bytes of the file")


def _is_number(operation: str, value: object) -> bool:
    """Whether an operation of a pickle has a number that is no place in its memory."""
    return isinstance(value, int) and not operation.endswith(("PUT", "GET"))


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether a .pt file is an archive, as PyTorch 1.6 and newer write it. Raises ProtofaceError."""
    check_readable(path)
    return zipfile.is_zipfile(path)


def _check_calls(path: str | os.PathLike[str], content: bytes) -> None:
    _check_operations(path, pickletools.genops(content))


def _check_operations(path: str | os.PathLike[str], operations: Iterable[tuple[Any, Any, Any]]) -> None:
    for operation, name, _ in operations:
        if operation.name == "GLOBAL" and name not in CALLED and not _is_storage(str(name)):
            called = str(name).replace(" ", ".")
            raise ProtofaceError(
                f"{path}: not a state dict of tensors, it holds {called}; save the net's `state_dict()`"
            )


def _is_storage(name: str) -> bool:
    return name.startswith("torch ") and name.endswith("Storage")
