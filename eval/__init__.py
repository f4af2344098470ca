"""Measuring landmarks and face finders: annotated sets, errors, average precision, reports."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from .datasets.box_set import BoxSet
    from .datasets.dataset import Dataset, read_dataset, read_set
    from .detection import Detected, evaluate_boxes
    from .evaluation import Measured, evaluate, evaluate_cascade
    from .finders import cascade_finder
    from .quantize import quantize_cascade
    from .report import write_report
    from .summary import Summary, summarise

__all__ = [
    "BoxSet",
    "Dataset",
    "Detected",
    "Measured",
    "ProtofaceError",
    "Summary",
    "cascade_finder",
    "evaluate",
    "evaluate_boxes",
    "evaluate_cascade",
    "quantize_cascade",
    "read_dataset",
    "read_set",
    "summarise",
    "write_report",
]

#: Imported when a name is asked for: who reads a list needs neither matplotlib nor ONNX.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".datasets.box_set": ("BoxSet",),
        ".datasets.dataset": ("Dataset", "read_dataset", "read_set"),
        ".detection": ("Detected", "evaluate_boxes"),
        ".evaluation": ("Measured", "evaluate", "evaluate_cascade"),
        ".finders": ("cascade_finder",),
        ".quantize": ("quantize_cascade",),
        ".report": ("write_report",),
        ".summary": ("Summary", "summarise"),
    },
)
