"""Old files: V1 layers, `input` with its dims, multipliers, data parameters. V0 is refused."""

import pytest

from protoface.converters import (
    ProtofaceError,
    build_graph,
    caffe_pb2,
    read_net,
    read_weights,
    with_weights,
)
from protoface.converters.pytorch import to_pytorch
from protoface.converters.upgrade import V1_TYPES, upgrade

V1 = """
name: "old"
input: "data" input_dim: 1 input_dim: 2 input_dim: 6 input_dim: 6
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv"
         blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
         convolution_param { num_output: 3 kernel_size: 3 } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "ip" type: INNER_PRODUCT bottom: "conv" top: "ip"
         inner_product_param { num_output: 4 } }
"""
TODAY = """
name: "old"
layer { name: "input" type: "Input" top: "data" input_param { shape { dim: [1, 2, 6, 6] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
        convolution_param { num_output: 3 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 4 } }
"""


def test_v1_text_is_todays_net(net_of):
    assert net_of(V1) == net_of(TODAY)


def test_v1_text_is_read_from_a_file(tmp_path, net_of):
    path = tmp_path / "old.prototxt"
    path.write_text(V1)
    assert read_net(path) == net_of(TODAY)


def test_v1_weights(tmp_path, net_of, filled):
    """A caffemodel of 2014: `layers`, enum types, blobs of num, channels, height, width."""
    today = filled(net_of(TODAY))
    old = caffe_pb2.NetParameter(name="old")
    numbers = dict(caffe_pb2.V1LayerParameter.LayerType.items())
    kinds = {today: numbers[old] for old, today in V1_TYPES.items()}
    for layer in today.layer[1:]:
        one = old.layers.add(
            name=layer.name, type=kinds[layer.type], bottom=layer.bottom, top=layer.top
        )
        for blob in layer.blobs:
            dims = [1] * (4 - len(blob.shape.dim)) + list(blob.shape.dim)
            one.blobs.add(data=blob.data, num=dims[0], channels=dims[1], height=dims[2], width=dims[3])
    path = tmp_path / "old.caffemodel"
    path.write_bytes(old.SerializeToString())
    read = read_weights(path)
    assert [layer.type for layer in read.layer] == ["Convolution", "ReLU", "InnerProduct"]
    assert with_weights(net_of(TODAY), read, "old.caffemodel") == today


def test_every_v1_type_has_todays_name():
    assert set(V1_TYPES) == set(caffe_pb2.V1LayerParameter.LayerType.keys()) - {"NONE"}


def test_v1_fields_keep_their_values(net_of):
    net = net_of("""
        layers { name: "a" type: POOLING bottom: "x" top: "a" include { phase: TEST } loss_weight: 3
                 pooling_param { pool: AVE kernel_size: 2 } param: "shared" param: "two"
                 blob_share_mode: PERMISSIVE blobs { data: 1 num: 1 } }""")
    (layer,) = net.layer
    assert (layer.type, layer.pooling_param.pool, layer.pooling_param.kernel_size) == ("Pooling", 1, 2)
    assert [spec.name for spec in layer.param] == ["shared", "two"]
    assert layer.param[0].share_mode == caffe_pb2.ParamSpec.PERMISSIVE
    assert not layer.param[0].HasField("lr_mult")
    assert list(layer.loss_weight) == [3]
    assert layer.include[0].phase == caffe_pb2.TEST
    assert list(layer.blobs[0].data) == [1]


@pytest.mark.parametrize("kind", ["DATA", "IMAGE_DATA", "WINDOW_DATA"])
def test_transformations_move_to_transform_param(net_of, kind):
    parameter = kind.lower() + "_param"
    net = net_of(f"""layers {{ name: 'd' type: {kind} top: 'd'
        {parameter} {{ source: 's' scale: 0.5 mean_file: 'm' crop_size: 7 mirror: true }} }}""")
    transform = net.layer[0].transform_param
    values = (transform.scale, transform.mean_file, transform.crop_size, transform.mirror)
    assert values == (0.5, "m", 7, True)
    left = [field.name for field, _ in getattr(net.layer[0], parameter).ListFields()]
    assert left == ["source"]


def test_batch_norm_statistics_are_frozen(net_of):
    net = net_of("""layer { name: 'b' type: 'BatchNorm' bottom: 'x' top: 'b'
                    param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 1 } }""")
    assert [(spec.lr_mult, spec.decay_mult) for spec in net.layer[0].param] == [(0, 0)] * 3


def test_inputs_by_shape_and_by_dim(net_of):
    for shapes in (
        "input_shape { dim: [2, 3] } input_shape { dim: 4 }",
        "input_dim: [1, 2, 3, 4, 5, 6, 7, 8]",
    ):
        net = net_of(f"input: 'a' input: 'b' {shapes} layer {{ name: 'r' type: 'ReLU' bottom: 'a' }}")
        assert list(net.layer[0].top) == ["a", "b"]
    assert [list(shape.dim) for shape in net.layer[0].input_param.shape] == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_inputs_without_a_shape_are_dropped(net_of):
    """As in old weights files, where only the blobs matter."""
    assert len(net_of("input: 'a' layer { name: 'r' type: 'ReLU' bottom: 'a' top: 'a' }").layer) == 1


def test_an_upgraded_net_runs(net_of, filled):
    assert to_pytorch(filled(net_of(V1)), "old").outputs == ["ip"]
    assert build_graph(net_of(V1), "old").inputs[0].shape == (1, 2, 6, 6)


@pytest.mark.parametrize(
    "dims",
    [
        "input_dim: [1, 2, 3]",
        "input_dim: [1, 2, 3, 4, 5]",
        "input_shape { dim: 1 } input_shape { dim: 2 }",
    ],
)
def test_inputs_and_shapes_that_do_not_match(net_of, dims):
    with pytest.raises(ProtofaceError, match="test net: 1 `input`, .*give one input_shape"):
        net_of(f"input: 'a' {dims}")


def test_layer_mixed_with_layers(net_of):
    with pytest.raises(ProtofaceError, match="test net: has both `layer` and `layers`"):
        net_of("layer { name: 'a' } layers { name: 'b' }")


def test_v0_is_refused(net_of):
    with pytest.raises(ProtofaceError, match="test net: a V0 net .*upgrade_net_proto_text"):
        net_of("layers { layer { name: 'a' type: 'conv' } bottom: 'x' top: 'a' }")


def test_a_v1_layer_without_a_type(net_of):
    with pytest.raises(ProtofaceError, match="layer 'a' has the V1 type NONE"):
        net_of("layers { name: 'a' type: NONE }")


def test_a_net_of_today_is_not_copied():
    net = caffe_pb2.NetParameter(layer=[{"name": "r", "type": "ReLU"}])
    assert upgrade(net, "net") is net
