"""The flat vector: layout, multipliers, sharing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph, filter_net
from protoface.converters.graph import Net
from protoface.converters.prototxt import parse_message
from protoface.trainers.net.parameters import biases_before_batch_norm, multipliers_of
from protoface.trainers.solver.solver_file import read_solver
from protoface.trainers.solver.solver_trainer import Trainer

from ..solver.small_run import edit

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4, 4] } } }'
FC = "inner_product_param { num_output: 3 }"


def net(*layers: str) -> Net:
    return filter_net(parse_message("\n".join([INPUT, *layers]), Net(), "net"))


def test_a_flat_vector_holds_the_blobs_in_caffes_order(folder: Path) -> None:
    trainer = Trainer(read_solver("solver.prototxt"), "solver", 1, torch.device("cpu"))
    parameters = trainer.parameters
    keys = ["conv.0", "bn.0", "bn.1", "bn.2", "scale.0", "scale.1", "fc.0", "fc.1"]
    assert list(parameters.shapes) == keys
    arrays = parameters.arrays(parameters.values)
    state = trainer.train.net.state_dict()
    for key in keys:
        np.testing.assert_array_equal(arrays[key], state[key].numpy())
        assert arrays[key].flags.c_contiguous
    with torch.no_grad():
        parameters.values.add_(1)
    np.testing.assert_array_equal(trainer.train.net.state_dict()["conv.0"], arrays["conv.0"] + 1)
    np.testing.assert_array_equal(trainer.tests[0].net.state_dict()["conv.0"], arrays["conv.0"] + 1)


def test_multipliers_and_their_defaults() -> None:
    graph = build_graph(
        net(
            f'layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" param {{ decay_mult: 0 }} '
            f"param {{ lr_mult: 2 }} {FC} }}",
            'layer { name: "bn" type: "BatchNorm" bottom: "a" top: "a" }',
        ),
        "net",
    )
    assert multipliers_of(graph) == {
        "a.0": (1, 0),
        "a.1": (2, 1),
        "bn.0": (0, 1),
        "bn.1": (0, 1),
        "bn.2": (0, 1),
    }


def shared(first: str, second: str) -> Net:
    return net(
        f'layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" param {{ name: "w" {first} }} '
        f"{FC} }}",
        f'layer {{ name: "b" type: "InnerProduct" bottom: "x" top: "b" param {{ name: "w" {second} }} '
        f"{FC} }}",
    )


def test_a_shared_blob_takes_what_either_layer_says() -> None:
    assert multipliers_of(build_graph(shared("", "lr_mult: 3"), "net"))["a.0"] == (3, 1)


def test_a_shared_blob_with_two_rates() -> None:
    with pytest.raises(ProtofaceError, match="layer 'b' .*shares blob a.0, whose lr_mult is 2"):
        multipliers_of(build_graph(shared("lr_mult: 2", "lr_mult: 3"), "net"))


def test_shared_blobs_add_up_their_gradients(folder: Path) -> None:
    """A net that uses one weight twice moves like one that uses a doubled weight once."""
    fc = Path("net.prototxt").read_text()
    start = fc.index('layer { name: "fc"')
    end = fc.index('layer { name: "loss"')
    twice = "".join(
        fc[start:end]
        .replace('"fc"', f'"fc{i}"')
        .replace(
            "inner_product_param {", 'param { name: "w" } param { name: "b" } inner_product_param {'
        )
        for i in (1, 2)
    )
    add = 'layer { name: "add" type: "Eltwise" bottom: "fc1" bottom: "fc2" top: "fc" }\n'
    Path("net.prototxt").write_text(fc[:start] + twice + add + fc[end:])
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    trainer = Trainer(read_solver("solver.prototxt"), "solver", 1, torch.device("cpu"), torch.float64)
    net_of = trainer.train.net
    net_of.eval()  # without dropout, and the statistics stay
    assert list(trainer.parameters.shapes)[-2:] == ["fc1.0", "fc1.1"]
    inputs = trainer.train.feed()
    parameters = trainer.parameters
    loss = net_of(*inputs)
    loss.backward()
    gradient = parameters.views(parameters.gradient)["fc1.1"].clone()
    step = 1e-6
    for index in range(4):
        with torch.no_grad():
            parameters.views(parameters.values)["fc1.1"][index] += step
            difference = (net_of(*inputs) - loss) / step
            parameters.views(parameters.values)["fc1.1"][index] -= step
        assert float(gradient[index]) == pytest.approx(float(difference), rel=1e-4, abs=1e-5)


def test_a_bias_that_batch_norm_takes_out_is_left_alone() -> None:
    conv = "convolution_param { num_output: 2 kernel_size: 1 }"
    text = [
        f'layer {{ name: "c" type: "Convolution" bottom: "x" top: "c" {conv} }}',
        'layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }',
        f'layer {{ name: "d" type: "Convolution" bottom: "c" top: "d" {conv} }}',
    ]
    assert biases_before_batch_norm(build_graph(net(*text), "net")) == {"c.1"}
    fixed = text[1].replace("}", " batch_norm_param { use_global_stats: true } }")
    assert not biases_before_batch_norm(build_graph(net(text[0], fixed), "net"))
    read_twice = [text[0], text[1].replace('top: "c"', 'top: "n"'), text[2]]
    assert not biases_before_batch_norm(build_graph(net(*read_twice), "net"))


def test_frozen_layers_do_not_move(folder: Path) -> None:
    edit("net.prototxt", '"fc" inner', '"fc" param { lr_mult: 0 } inner')
    trainer = Trainer(read_solver("solver.prototxt"), "solver", 1, torch.device("cpu"))
    before = trainer.parameters.arrays(trainer.parameters.values)
    trainer.step()
    after = trainer.parameters.arrays(trainer.parameters.values)
    np.testing.assert_array_equal(before["fc.0"], after["fc.0"])
    assert not np.array_equal(before["fc.1"], after["fc.1"])
