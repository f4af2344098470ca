"""Caffe's messages: `from protoface.converters import caffe_pb2; caffe_pb2.NetParameter()`.

Made at import from `caffe.desc`, the compiled form of `caffe.proto`; see `schema.py` for why. The
types, for editors and mypy, are in `caffe_pb2.pyi`.
"""

from .schema import message_classes

globals().update(message_classes(__package__, "caffe.desc"))
