"""Facial landmarks from Caffe-style protobuf text: `load` a cascade, `detect` faces and their points.

Nothing heavy is imported before it is asked for: `import protoface` alone takes milliseconds.
"""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from protoface.cascade.detector import Cascade, load

__version__ = "0.1.0"
__all__ = ["Cascade", "ProtofaceError", "__version__", "load"]

__getattr__, __dir__ = exporting(
    __name__,
    {"protoface.cascade.detector": ("Cascade", "load")},
)
