"""Measuring landmarks: annotated sets, errors with their normaliser, reports."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from .datasets.dataset import Dataset, read_dataset
    from .evaluation import Measured, cascade_finder, evaluate, evaluate_cascade
    from .quantize import quantize_cascade
    from .report import write_report
    from .summary import Summary, summarise

__all__ = [
    "Dataset",
    "Measured",
    "ProtofaceError",
    "Summary",
    "cascade_finder",
    "evaluate",
    "evaluate_cascade",
    "quantize_cascade",
    "read_dataset",
    "summarise",
    "write_report",
]

#: Imported when a name is asked for: who reads a list needs neither matplotlib nor ONNX.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".datasets.dataset": ("Dataset", "read_dataset"),
        ".evaluation": ("Measured", "cascade_finder", "evaluate", "evaluate_cascade"),
        ".quantize": ("quantize_cascade",),
        ".report": ("write_report",),
        ".summary": ("Summary", "summarise"),
    },
)
