"""Cascades at work: `load` one, `detect` points. PyTorch is loaded only for its own backends."""

from protoface.converters.errors import ProtofaceError

from .backends import BACKENDS
from .detector import MODES, Cascade, Detection, load
from .windows import Window

__all__ = ["BACKENDS", "MODES", "Cascade", "Detection", "ProtofaceError", "Window", "load"]
