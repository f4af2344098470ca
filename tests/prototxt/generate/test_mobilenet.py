"""The original net is the one inside the published weights, layer by layer."""

import math

import pytest

from protoface.converters import (
    ProtofaceError,
    build_graph,
    deployed,
    filter_net,
    load_net,
    read_net,
    read_weights,
    with_weights,
)
from protoface.converters.graph import TRAIN, insert_splits
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import without_weights

from .generator import LEVELS, PROTOTXT, published, run


def comparable(net):
    """A copy without blobs, without the net's name, without the data's sources."""
    copy = without_weights(net)
    copy.ClearField("name")
    for field in ("source", "root_folder"):
        copy.layer[0].image_data_param.ClearField(field)
    return copy


@pytest.mark.parametrize("level", LEVELS)
def test_every_layer_is_that_of_the_published_net(shared, level):
    """Name, type, bottoms, tops, multipliers, fillers and every option, Caffe's own Splits included."""
    train_val = read_net(PROTOTXT / level / "train_val.prototxt")
    ours = filter_net(train_val, TRAIN)
    assert (len(train_val.layer), len(ours.layer)) == (80, 79)
    ours = comparable(insert_splits(ours))
    theirs = comparable(read_weights(published(shared, level)))
    assert len(theirs.layer) == 82
    for mine, original in zip(ours.layer, theirs.layer, strict=True):
        assert mine == original
    assert ours == theirs


@pytest.mark.parametrize("level", LEVELS)
def test_published_weights_load_by_name(shared, level):
    net = load_net(PROTOTXT / level / "deploy.prototxt", published(shared, level))
    assert to_pytorch(net, level).outputs == ["fc2"]
    trained = filter_net(read_net(PROTOTXT / level / "train_val.prototxt"), TRAIN)
    shapes = {"data": [(1, 3, 48, 48), (1, 10)]}
    graph = build_graph(trained, level, shapes)
    assert set(graph.blob_specs()) == {
        f"{layer.name}.{i}" for layer in net.layer for i in range(len(layer.blobs))
    }


def test_sizes_of_the_net():
    graph = build_graph(deployed(read_net(PROTOTXT / "level_1" / "deploy.prototxt")), "net")
    sizes = [(spec.learned, math.prod(spec.shape)) for spec in graph.blob_specs().values()]
    assert sum(size for learned, size in sizes if learned) == 237_818
    assert sum(size for _, size in sizes) == 242_189
    assert graph.multiply_adds() == 4_720_576


def test_the_weights_of_another_width_name_layer_and_shapes(shared, tmp_path):
    run("--out", tmp_path, "--width", 0.5)
    narrow = deployed(read_net(tmp_path / "level_1" / "deploy.prototxt"))
    weights = published(shared, "level_1")
    with pytest.raises(ProtofaceError) as caught:
        with_weights(narrow, read_weights(weights), str(weights))
    assert str(caught.value) == (
        f"{weights}: layer 'conv1_new', blob 0: shape [16, 3, 3, 3], but the net needs [8, 3, 3, 3]; "
        "these are the weights of another net"
    )
