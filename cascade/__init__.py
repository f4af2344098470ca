"""Cascades at work: `load` one, `detect` points. PyTorch is loaded only for its own backends."""

from importlib import import_module
from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError

from .windows import Window

if TYPE_CHECKING:
    from .backends import BACKENDS
    from .detector import MODES, Cascade, Detection, load

__all__ = ["BACKENDS", "MODES", "Cascade", "Detection", "ProtofaceError", "Window", "load"]

_MODULES = {"backends": ("BACKENDS",), "detector": ("MODES", "Cascade", "Detection", "load")}


def __getattr__(name: str) -> object:
    """A name of the list above; its module is imported now: who reads pictures alone needs no nets."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
