"""A net as it is trained and tested, and as it is used."""

from __future__ import annotations

from protoface.converters import caffe_pb2

from .blocks import Layer
from .net_bodies import body
from .size import Size

MEAN = 127.5


def image_data(folder: str, size: Size, phase: str, split: str) -> Layer:
    """The list `<folder>/<split>.txt` of names and labels, pictures in `<folder>/<split>/`."""
    return Layer(
        name="data",
        type="ImageData",
        top=["data", "label"],
        include=[{"phase": phase}],
        transform_param={"mirror": False, "mean_value": [MEAN] * 3},
        image_data_param={
            "source": f"{folder}/{split}.txt",
            "root_folder": f"{folder}/{split}/",
            "batch_size": 128,
            "shuffle": True,
            "is_color": True,
            "new_height": size.pixels,
            "new_width": size.pixels,
        },
    )


def train_val_net(name: str, size: Size) -> caffe_pb2.NetParameter:
    """The net as it is trained and tested. The original names both levels' nets `level_1`."""
    layers = list(body(size))
    answer = layers[-1].top[0]
    loss = Layer(
        name="loss", type="EuclideanLoss", bottom=[answer, "label"], top=["loss"], loss_weight=[100]
    )
    data = [
        image_data(f"data/{name}", size, "TRAIN", "train"),
        image_data(f"data/{name}", size, "TEST", "test"),
    ]
    return caffe_pb2.NetParameter(name=name, layer=[*data, *layers, loss])


def deploy_net(name: str, size: Size) -> caffe_pb2.NetParameter:
    """The net as it is used: pictures in by `data`, points out of its last layer."""
    shape = {"dim": [1, size.input_channels, size.pixels, size.pixels]}
    entry = Layer(name="data", type="Input", top=["data"], input_param={"shape": [shape]})
    return caffe_pb2.NetParameter(name=name, layer=[entry, *body(size)])
