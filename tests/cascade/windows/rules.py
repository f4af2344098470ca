"""Rules of windows made of text, for the tests of each kind."""

from protoface.cascade import cascade_pb2
from protoface.cascade.layouts import Layout, find_layout
from protoface.cascade.windows.mode import find_mode
from protoface.cascade.windows.window_kind import WindowKind, make_window
from protoface.converters.prototxt import parse_message


def rule(text: str, mode: str = "clean", layout: Layout | None = None) -> WindowKind:
    """The rule of a `window { TEXT }`, of CelebA's five points unless told otherwise."""
    parameter = parse_message(text, cascade_pb2.WindowParameter(), "text")
    return make_window(parameter, layout or find_layout("celeba5"), find_mode(mode), "stage 's'")
