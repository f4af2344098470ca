"""A recipe's messages; made at import from `recipe.desc`, as `protoface.converters.caffe_pb2`."""

from protoface.converters.schema import message_classes

globals().update(message_classes(__package__, "recipe.desc"))
