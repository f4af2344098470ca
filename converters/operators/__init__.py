"""ONNX operators as Caffe layers, one function per operator; see `registration.py`."""

from ..onnx_node import OnnxNode
from .registration import operator, operators

__all__ = ["OnnxNode", "operator", "operators"]
