"""Cascades at work: `load` one, `detect` points. PyTorch is loaded only for its own backends."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import importing

from .windows import Window

if TYPE_CHECKING:
    from .backends import BACKENDS
    from .detector import MODES, Cascade, Detection, load

__all__ = ["BACKENDS", "MODES", "Cascade", "Detection", "ProtofaceError", "Window", "load"]

#: Imported when a name is asked for: who reads pictures alone needs no nets.
__getattr__ = importing(
    __name__, {"backends": ("BACKENDS",), "detector": ("MODES", "Cascade", "Detection", "load")}
)
