"""Phases, shapes and values of a net; Caffe's Split layers."""

import pytest

from protoface.converters import (
    ProtofaceError,
    build_graph,
    caffe_pb2,
    deployed,
    filter_net,
    read_net,
    read_weights,
)
from protoface.converters.graph import TEST, TRAIN, insert_splits
from protoface.converters.weights import without_weights

INPUT = "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 5, 5] } } }"


def test_splits_are_those_of_the_nets_inside_the_published_weights(published):
    """The embedded nets went through Caffe's own InsertSplits; undone here, they must come back."""
    for level in (1, 2):
        embedded = without_weights(read_weights(published(level)[1]))
        copies = {
            top: layer.bottom[0]
            for layer in embedded.layer
            if layer.type == "Split"
            for top in layer.top
        }
        plain = caffe_pb2.NetParameter(name=embedded.name)
        for layer in embedded.layer:
            if layer.type != "Split":
                plain.layer.append(layer)
                plain.layer[-1].bottom[:] = [copies.get(bottom, bottom) for bottom in layer.bottom]
        assert (len(plain.layer), len(embedded.layer)) == (79, 82)
        assert insert_splits(plain) == embedded


def test_splits_of_inputs_and_of_losses(net_of):
    net = net_of(
        INPUT
        + """
        layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }
        layer { name: 'l' type: 'EuclideanLoss' bottom: 'a' bottom: 'x' top: 'l' loss_weight: 2 }
        layer { name: 'm' type: 'ReLU' bottom: 'l' top: 'm' }"""
    )
    split = insert_splits(net)
    assert [layer.name for layer in split.layer] == ["in", "x_in_0_split", "a", "l", "l_l_0_split", "m"]
    names = {layer.name: layer for layer in split.layer}
    assert list(names["x_in_0_split"].top) == ["x_in_0_split_0", "x_in_0_split_1"]
    assert names["a"].bottom == ["x_in_0_split_0"]
    assert names["l"].bottom == ["a", "x_in_0_split_1"]
    # the loss itself is the first copy
    assert not names["l"].loss_weight
    assert list(names["l_l_0_split"].loss_weight) == [2]
    assert names["m"].bottom == ["l_l_0_split_1"]


def test_a_net_with_splits_computes_the_same_graph(net_of):
    net = net_of(
        INPUT
        + """
        layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }
        layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'x' top: 'e' }"""
    )
    assert build_graph(insert_splits(net), "n").outputs == build_graph(net, "n").outputs


@pytest.mark.parametrize(
    ("rules", "phase", "level", "stages", "kept"),
    [
        ("", TRAIN, 0, [], True),
        ("include { phase: TRAIN }", TRAIN, 0, [], True),
        ("include { phase: TRAIN }", TEST, 0, [], False),
        ("exclude { phase: TRAIN }", TRAIN, 0, [], False),
        ("exclude { phase: TRAIN }", TEST, 0, [], True),
        ("include { phase: TRAIN } include { phase: TEST }", TEST, 0, [], True),
        ("include { min_level: 2 }", TEST, 1, [], False),
        ("include { min_level: 2 }", TEST, 2, [], True),
        ("include { max_level: 2 }", TEST, 3, [], False),
        ("include { max_level: -1 }", TEST, 0, [], False),
        ("include { stage: 'a' stage: 'b' }", TEST, 0, ["a"], False),
        ("include { stage: 'a' stage: 'b' }", TEST, 0, ["a", "b", "c"], True),
        ("include { stage: 'a' } include { stage: 'b' }", TEST, 0, ["b"], True),
        ("include { not_stage: 'a' }", TEST, 0, ["a"], False),
        ("include { not_stage: 'a' }", TEST, 0, ["b"], True),
        ("exclude { stage: 'a' not_stage: 'b' }", TEST, 0, ["a", "b"], True),
        ("exclude { phase: TEST stage: 'a' }", TEST, 0, ["a"], False),
        ("include { phase: TRAIN stage: 'a' }", TRAIN, 0, [], False),
    ],
)
def test_rules(net_of, rules, phase, level, stages, kept):
    net = net_of(f"layer {{ name: 'a' type: 'ReLU' {rules} }}")
    filtered = filter_net(net, phase, level, stages)
    assert len(filtered.layer) == kept
    assert all(layer.phase == phase for layer in filtered.layer)
    assert not net.layer[0].HasField("phase")


def test_include_and_exclude_together(net_of):
    net = net_of("layer { name: 'a' include { phase: TEST } exclude { phase: TRAIN } }")
    with pytest.raises(ProtofaceError, match="layer 'a': has both include and exclude"):
        filter_net(net)


def test_deployed_leaves_out_losses_and_the_data_that_only_they_read(net_of):
    net = net_of(
        INPUT
        + """
        layer { name: 'train' type: 'ImageData' top: 'y' top: 'l' include { phase: TRAIN } }
        layer { name: 'test' type: 'ImageData' top: 'label' include { phase: TEST } }
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }
        layer { name: 'acc' type: 'Accuracy' bottom: 'r' bottom: 'label' top: 'acc' }
        layer { name: 'loss' type: 'EuclideanLoss' bottom: 'r' bottom: 'label' top: 'loss' }"""
    )
    assert [layer.name for layer in deployed(net).layer] == ["in", "r"]


def test_a_training_net_is_refused_by_the_name_of_its_data_layer(net_of):
    net = net_of("""layer { name: 'd' type: 'ImageData' top: 'x' top: 'label' }
                    layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }""")
    with pytest.raises(ProtofaceError, match=r"train.prototxt: layer 'd' \(ImageData\): .*deploy net"):
        build_graph(deployed(net), "train.prototxt")


def test_published_deploy_nets(published):
    graph = build_graph(deployed(read_net(published(1)[0])), "net")
    assert [(value.name, value.shape) for value in graph.inputs] == [("data", (1, 3, 48, 48))]
    assert [(value.name, value.shape) for value in graph.outputs] == [("fc2", (1, 10))]
    assert graph.multiply_adds() == 4_720_576


def test_values_overwritten_in_place(net_of):
    graph = build_graph(
        net_of(
            INPUT
            + """
        layer { name: 'a' type: 'Scale' bottom: 'x' top: 'a' }
        layer { name: 'b' type: 'ReLU' bottom: 'a' top: 'a' }
        layer { name: 'c' type: 'ReLU' bottom: 'a' top: 'c' }
        layer { name: 'd' type: 'Dropout' bottom: 'a' top: 'a' }"""
        ),
        "net",
    )
    made = {node.name: [value.name for value in node.tops] for node in graph.nodes}
    assert made == {"in": ["x"], "a": ["a/by/a"], "b": ["a/by/b"], "c": ["c"], "d": ["a"]}
    read = {node.name: [value.name for value in node.bottoms] for node in graph.nodes}
    assert read == {"in": [], "a": ["x"], "b": ["a/by/a"], "c": ["a/by/b"], "d": ["a/by/b"]}
    assert [value.name for value in graph.outputs] == ["c", "a"]


def test_an_input_overwritten_in_place_keeps_its_name(agree, net_of):
    net = net_of(
        INPUT
        + """
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }
        layer { name: 's' type: 'Softmax' bottom: 'x' top: 'y' }"""
    )
    graph = build_graph(net, "net")
    assert [value.name for value in graph.inputs] == ["x"]
    assert graph.nodes[1].tops[0].name == "x/by/r"
    agree(net)


def test_names_of_values_never_clash(agree, net_of):
    net = net_of(
        INPUT
        + """
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }
        layer { name: 's' type: 'Softmax' bottom: 'x' top: 'x/by/r' }"""
    )
    assert build_graph(net, "net").nodes[1].tops[0].name == "x/by/r'"
    agree(net)


def test_shared_blobs_have_one_owner(net_of):
    graph = build_graph(
        net_of(
            INPUT
            + """
        layer { name: 'a' type: 'Scale' bottom: 'x' top: 'a' param { name: 'w' } }
        layer { name: 'b' type: 'Scale' bottom: 'a' top: 'b' param { name: 'w' } param { name: 'v' }
                scale_param { bias_term: true } }"""
        ),
        "net",
    )
    assert [node.keys for node in graph.nodes] == [(), ("a.0",), ("a.0", "b.1")]
    assert list(graph.blob_specs()) == ["a.0", "b.1"]


def bad(net_of, text, message):
    with pytest.raises(ProtofaceError, match=f"deep.prototxt: {message}"):
        build_graph(net_of(INPUT + text), "deep.prototxt")


def test_an_unknown_type(net_of):
    bad(
        net_of,
        "layer { name: 'a' type: 'ROIPooling' bottom: 'x' top: 'a' }",
        "layer 'a' has the type 'ROIPooling', which protoface does not know",
    )


def test_a_layer_without_a_type(net_of):
    bad(net_of, "layer { name: 'a' bottom: 'x' top: 'a' }", "layer 'a' has the type ''")


def test_an_unknown_bottom(net_of):
    bad(
        net_of,
        "layer { name: 'a' type: 'ReLU' bottom: 'y' top: 'a' }",
        "layer 'a' reads 'y', which no layer before it makes",
    )


def test_a_bottom_made_later(net_of):
    bad(
        net_of,
        """layer { name: 'a' type: 'ReLU' bottom: 'b' top: 'a' }
                   layer { name: 'b' type: 'ReLU' bottom: 'x' top: 'b' }""",
        "layer 'a' reads 'b'",
    )


@pytest.mark.parametrize(
    "text",
    [
        "layer { name: 'b' type: 'ReLU' bottom: 'x' top: 'a' }",
        "layer { name: 'b' type: 'Eltwise' bottom: 'x' bottom: 'a' top: 'a' }",
        "layer { name: 'b' type: 'Split' bottom: 'x' top: 's' top: 's' }",
        "layer { name: 'b' type: 'Input' top: 'a' input_param { shape { dim: 1 } } }",
    ],
)
def test_a_top_made_twice(net_of, text):
    bad(
        net_of,
        "layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }" + text,
        "layer 'b' makes '[as]' a second time",
    )


def test_two_layers_of_one_name(net_of):
    bad(
        net_of,
        """layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }
                   layer { name: 'a' type: 'ReLU' bottom: 'a' top: 'b' }""",
        "2 layers are named 'a'",
    )


def test_too_many_and_too_few_tops(net_of):
    bad(net_of, "layer { name: 'a' type: 'Softmax' bottom: 'x' }", r"layer 'a' \(Softmax\): has 0 tops")
    bad(
        net_of,
        "layer { name: 'a' type: 'Concat' bottom: 'x' top: 'a' top: 'b' }",
        r"layer 'a' \(Concat\): has 2 tops, expected 1",
    )


@pytest.mark.parametrize("kind", ["ReLU", "BatchNorm", "Eltwise", "Convolution", "Concat", "Scale"])
def test_a_layer_without_a_bottom(net_of, kind):
    bad(net_of, f"layer {{ name: 'a' type: '{kind}' top: 'a' }}", rf"layer 'a' \({kind}\)")


def test_shared_blobs_of_different_shapes(net_of):
    bad(
        net_of,
        """
        layer { name: 'a' type: 'Scale' bottom: 'x' top: 'a' param { name: 'w' } }
        layer { name: 'b' type: 'Scale' bottom: 'x' top: 'b' param { name: 'w' }
                scale_param { axis: 2 } }""",
        r"layer 'b' \(Scale\): shares 'w' of shape \[2\] but needs \[5\]",
    )
