"""The registry: every file is tested, every type registered once, the support table is current."""

from pathlib import Path

import pytest

from protoface.converters import ProtofaceError, build_graph
from protoface.converters.layers import Layer, layer_types, register

HERE = Path(__file__).parent
LAYERS = HERE.parents[2] / "converters" / "layers"


def test_one_test_file_for_each_layer_file():
    layers = {path.stem for path in LAYERS.glob("*.py")} - {"__init__"}
    assert {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")} == layers


def test_a_type_registered_twice_is_an_error():
    assert "ReLU" in layer_types()  # all files are imported by then
    with pytest.raises(ValueError, match="ReLU is registered twice"):
        register("ReLU")(Layer)


def test_every_type_is_carried_over_or_says_why_not():
    for name, layer in layer_types().items():
        carried = layer.onnx is not Layer.onnx or name == "Input"
        assert carried == (layer.left_out is None), name


def test_an_unknown_type_names_layer_type_and_file(one_layer):
    net = one_layer("ROIPooling", "", [(1, 2)])
    with pytest.raises(
        ProtofaceError, match="deep.prototxt: layer 'layer' has the type 'ROIPooling'.*known: "
    ):
        build_graph(net, "deep.prototxt")
