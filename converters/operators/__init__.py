"""ONNX operators as Caffe layers, one function per operator; see `registry.py`."""

from .onnx_node import OnnxNode, operator, operators

__all__ = ["OnnxNode", "operator", "operators"]
