"""Old Caffe files brought to today's fields, as Caffe itself does when it reads them.

Source: Caffe, src/caffe/util/upgrade_proto.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import caffe_pb2
from .errors import ProtofaceError

# V1's enum of layer types -> today's type names (UpgradeV1LayerType).
V1_TYPES = {
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}

# Fields of a data layer's own parameters that moved to `transform_param`.
TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")
DATA_PARAMETERS = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}


def upgrade(net: caffe_pb2.NetParameter, source: str) -> caffe_pb2.NetParameter:
    """A net with every old field turned into its successor; `net` itself if it has none.

    `source` names the file in errors. Raises ProtofaceError for a V0 net and for a file that mixes
    `layer` with `layers`.
    """
    if net.layers:
        if net.layer:
            raise ProtofaceError(f"{source}: has both `layer` and `layers`; use one of them")
        net = _from_v1(net, source)
    if net.input:
        net = _inputs_as_layer(net, source)
    for layer in net.layer:
        _move_transform(layer)
        _freeze_statistics(layer)
    return net


def _from_v1(net: caffe_pb2.NetParameter, source: str) -> caffe_pb2.NetParameter:
    upgraded = caffe_pb2.NetParameter()
    upgraded.CopyFrom(net)
    upgraded.ClearField("layers")
    for layer in net.layers:
        if layer.HasField("layer"):
            raise ProtofaceError(
                f"{source}: a V0 net (of 2013); run Caffe's upgrade_net_proto_text on it first"
            )
        upgraded.layer.append(_layer_from_v1(layer, source))
    return upgraded


def _layer_from_v1(old: caffe_pb2.V1LayerParameter, source: str) -> caffe_pb2.LayerParameter:
    new = caffe_pb2.LayerParameter()
    if old.HasField("type"):
        name = caffe_pb2.V1LayerParameter.LayerType.Name(old.type)
        if name not in V1_TYPES:
            raise ProtofaceError(f"{source}: layer '{old.name}' has the V1 type {name}")
        new.type = V1_TYPES[name]
    for field, value in old.ListFields():
        # `param`, `type` and the three below changed their meaning; all other fields kept name and type
        if field.name in ("type", "param", "blobs_lr", "weight_decay", "blob_share_mode"):
            continue
        if isinstance(value, Sequence) and not isinstance(value, str):
            getattr(new, field.name).extend(value)
        elif field.message_type:
            getattr(new, field.name).CopyFrom(value)
        else:
            setattr(new, field.name, value)
    count = max(len(old.param), len(old.blobs_lr), len(old.weight_decay), len(old.blob_share_mode))
    specs = [new.param.add() for _ in range(count)]
    for spec, shared_name in zip(specs, old.param, strict=False):
        spec.name = shared_name
    for spec, rate in zip(specs, old.blobs_lr, strict=False):
        spec.lr_mult = rate
    for spec, decay in zip(specs, old.weight_decay, strict=False):
        spec.decay_mult = decay
    for spec, mode in zip(specs, old.blob_share_mode, strict=False):
        if mode == caffe_pb2.V1LayerParameter.PERMISSIVE:
            spec.share_mode = caffe_pb2.ParamSpec.PERMISSIVE
    return new


def _inputs_as_layer(net: caffe_pb2.NetParameter, source: str) -> caffe_pb2.NetParameter:
    """`input` with `input_shape`, or with four `input_dim` each, as one Input layer at the front.

    Without any shape, as in old weights files, `input` is dropped.
    """
    shapes = [list(shape.dim) for shape in net.input_shape]
    if not shapes:
        dims = list(net.input_dim)
        shapes = [dims[i : i + 4] for i in range(0, len(dims), 4)]
    whole = net.input_shape or len(net.input_dim) % 4 == 0
    if shapes and (len(shapes) != len(net.input) or not whole):
        raise ProtofaceError(
            f"{source}: {len(net.input)} `input`, {len(net.input_shape)} `input_shape`, "
            f"{len(net.input_dim)} `input_dim`; "
            "give one input_shape (or four input_dim) for each"
        )
    upgraded = caffe_pb2.NetParameter()
    upgraded.CopyFrom(net)
    for field in ("input", "input_shape", "input_dim", "layer"):
        upgraded.ClearField(field)
    if shapes:
        layer = upgraded.layer.add(name="input", type="Input", top=net.input)
        for shape in shapes:
            layer.input_param.shape.add(dim=shape)
    upgraded.layer.extend(net.layer)
    return upgraded


def _move_transform(layer: caffe_pb2.LayerParameter) -> None:
    name = DATA_PARAMETERS.get(layer.type)
    if name is None or not layer.HasField(name):
        return
    parameter = getattr(layer, name)
    for field in TRANSFORM_FIELDS:
        if parameter.HasField(field):
            setattr(layer.transform_param, field, getattr(parameter, field))
            parameter.ClearField(field)


def _freeze_statistics(layer: caffe_pb2.LayerParameter) -> None:
    """BatchNorm's three blobs are statistics: no solver moves them, whatever an old file says."""
    if layer.type == "BatchNorm" and len(layer.param) == 3:
        for spec in layer.param:
            spec.lr_mult = 0
            spec.decay_mult = 0
