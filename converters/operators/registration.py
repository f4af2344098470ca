"""The registry of ONNX operators: one function per operator, which appends the Caffe layers.

To add one: a function here beside its like, a test in tests/converters/operators/. The way out is a
layer's `onnx` method in `layers/`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from numpy.typing import NDArray

from ..caffe_graph import CaffeGraph
from ..onnx_node import OnnxNode

Append = Callable[[CaffeGraph, OnnxNode], None]
Compute = Callable[[OnnxNode, list[NDArray[Any]]], NDArray[Any]]
_OPERATORS: dict[str, Append] = {}


def operator(*names: str) -> Callable[[Append], Append]:
    """Function decorator: makes the function known under ONNX's operator names."""

    def add(function: Append) -> Append:
        for name in names:
            if name in _OPERATORS:
                raise ValueError(f"operator {name} is registered twice")
            _OPERATORS[name] = function
        return function

    return add


@cache
def operators() -> dict[str, Append]:
    """Every known ONNX operator -> its function, sorted; imports all files of this folder once."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_OPERATORS.items()))
