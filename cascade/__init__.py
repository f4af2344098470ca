"""Cascades at work: `load` one, `detect` points. PyTorch is loaded only for its own backends."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from .backends.choice import BACKENDS
    from .detector import MODES, Cascade, Detection, load
    from .windows.window import Window

__all__ = ["BACKENDS", "MODES", "Cascade", "Detection", "ProtofaceError", "Window", "load"]

#: Imported when a name is asked for: who reads pictures alone needs no nets.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".backends.choice": ("BACKENDS",),
        ".detector": ("MODES", "Cascade", "Detection", "load"),
        ".windows.window": ("Window",),
    },
)
