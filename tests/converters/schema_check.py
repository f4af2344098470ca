"""Checks the schema with whatever protobuf is on the path, without onnx, torch and the rest.

    PYTHONPATH=<a folder with another protobuf> python tests/converters/schema_check.py

Run by test_caffe_pb2.py; prints the version of protobuf.
"""

import google.protobuf
from google.protobuf import descriptor_pb2, descriptor_pool, text_format

TEXT = """
name: "n" layer { name: "c" type: "Convolution" top: "y" param { lr_mult: 2 }
convolution_param { num_output: 3 kernel_size: [3, 5] bias_term: false weight_filler { type: "msra" } }
blobs { shape { dim: [2, 1] } data: [1.5, -2] } } layers { type: RELU blobs_lr: 1 }
"""


def register_another_caffe() -> None:
    """What pycaffe does at import: a `package caffe` of its own in the process-wide pool."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    file.message_type.add(name="NetParameter").field.add(name="other", number=1, type=9, label=1)
    descriptor_pool.Default().Add(file)


def main() -> None:
    register_another_caffe()
    from protoface.converters import caffe_pb2

    net = text_format.Parse(TEXT, caffe_pb2.NetParameter())
    assert caffe_pb2.NetParameter.FromString(net.SerializeToString()) == net
    assert list(net.layer[0].blobs[0].data) == [1.5, -2]
    assert net.layers[0].type == caffe_pb2.V1LayerParameter.RELU
    assert abs(caffe_pb2.SolverParameter().momentum2 - 0.999) < 1e-7
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    ours = descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter")
    assert [field.name for field in ours.fields] == ["other"]
    print(google.protobuf.__version__)


if __name__ == "__main__":
    main()
