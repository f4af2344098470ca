"""Checks of a .pt file before PyTorch reads it: a few bytes can ask for gigabytes."""

from __future__ import annotations

import os
import pickletools
import zipfile

from .errors import ProtofaceError
from .files import check_readable

#: What a state dict of plain tensors calls, besides PyTorch's classes of storages.
CALLED = (
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "collections OrderedDict",
)


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


def _check_calls(path: str | os.PathLike[str], content: bytes) -> None:
    for operation, name, _ in pickletools.genops(content):
        if operation.name == "GLOBAL" and name not in CALLED and not _is_storage(str(name)):
            called = str(name).replace(" ", ".")
            raise ProtofaceError(
                f"{path}: not a state dict of tensors, it holds {called}; save the net's `state_dict()`"
            )


def _is_storage(name: str) -> bool:
    return name.startswith("torch ") and name.endswith("Storage")
