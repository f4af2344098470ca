"""Caffe's layers, one file per type; see `layer.py`."""

from .layer import BlobSpec, Layer, layer_types, make_layer, register

__all__ = ["BlobSpec", "Layer", "layer_types", "make_layer", "register"]
