"""Small nets with random weights for the tests of backends."""

from protoface.converters.fillers import fill
from protoface.converters.graph import deployed
from protoface.converters.prototxt import parse_message
from protoface.converters.weights import Net

SMALL = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 12, 10] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
"""
#: Two inputs and three outputs; one of them is a map, and one has the name of another layer.
BRANCHED = """
layer { name: "first" type: "Input" top: "near" input_param { shape { dim: [1, 3, 12, 10] } } }
layer { name: "second" type: "Input" top: "far" input_param { shape { dim: [1, 2, 6] } } }
layer { name: "conv" type: "Convolution" bottom: "near" top: "map"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "msra" } } }
layer { name: "score" type: "Sigmoid" bottom: "map" top: "score" }
layer { name: "a" type: "InnerProduct" bottom: "map" top: "a"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "far" top: "b"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "fc"
        eltwise_param { coeff: 1 coeff: -2 } }
layer { name: "relu" type: "ReLU" bottom: "b" top: "rest" }
"""


def net_of(text: str) -> Net:
    """The net of a text with its fillers' weights."""
    return fill(deployed(parse_message(text, Net(), "small")), seed=0)


def small_net() -> Net:
    """One input `data`, one output `fc` of 6 numbers."""
    return net_of(SMALL)


def branched_net() -> Net:
    """Inputs `near` and `far`, outputs `score`, `fc` and `rest`."""
    return net_of(BRANCHED)
