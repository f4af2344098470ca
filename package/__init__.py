"""Facial landmarks from Caffe-style protobuf text: `detect` faces and points with one of `models()`.

Modules are imported when they are used: `import protoface` alone takes milliseconds.
"""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from protoface.cascade.cascade import Cascade, load
    from protoface.cascade.face import Face
    from protoface.model import Model, detect, models

__version__ = "0.1.0"
__all__ = ["Cascade", "Face", "Model", "ProtofaceError", "__version__", "detect", "load", "models"]

__getattr__, __dir__ = exporting(
    __name__,
    {
        ".model": ("Model", "detect", "models"),
        "protoface.cascade.cascade": ("Cascade", "load"),
        "protoface.cascade.face": ("Face",),
    },
)
