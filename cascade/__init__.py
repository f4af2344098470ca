"""Running cascades: `load` one, `detect` faces. PyTorch is imported only for its own backends."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from .backends.choice import BACKENDS
    from .cascade import Cascade, load
    from .face import Face
    from .layouts import Layout, find_layout
    from .mtcnn.detector import MTCNN
    from .windows.mode import MODES
    from .windows.window import Window

__all__ = [
    "BACKENDS",
    "MODES",
    "MTCNN",
    "Cascade",
    "Face",
    "Layout",
    "ProtofaceError",
    "Window",
    "find_layout",
    "load",
]

#: Imported when a name is asked for: who reads pictures alone needs no nets.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".backends.choice": ("BACKENDS",),
        ".cascade": ("Cascade", "load"),
        ".face": ("Face",),
        ".layouts": ("Layout", "find_layout"),
        ".mtcnn.detector": ("MTCNN",),
        ".windows.mode": ("MODES",),
        ".windows.window": ("Window",),
    },
)
