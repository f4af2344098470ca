"""Crop to the size of another blob."""

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 6, 7, 8)


@pytest.mark.parametrize(
    ("options", "size", "index"),
    [
        ("", (1, 3, 4, 5), np.s_[:, :, :4, :5]),
        ("offset: 2", (1, 3, 4, 5), np.s_[:, :, 2:6, 2:7]),
        ("offset: 1 offset: 3", (1, 3, 4, 5), np.s_[:, :, 1:5, 3:8]),
        ("axis: 1 offset: 3 offset: 0 offset: 1", (1, 3, 4, 5), np.s_[:, 3:, :4, 1:6]),
        ("axis: 1", (1, 3, 4, 5), np.s_[:, :3, :4, :5]),
        ("axis: 3 offset: 3", (1, 3, 4, 5), np.s_[:, :, :, 3:]),
        ("axis: -1", (1, 6, 7, 8), np.s_[:]),
    ],
)
def test_options(agree, net_of, options, size, index):
    net = net_of(f"""
        layer {{ name: 'x' type: 'Input' top: 'x' input_param {{ shape {{ dim: {list(SHAPE)} }} }} }}
        layer {{ name: 's' type: 'Input' top: 's' input_param {{ shape {{ dim: {list(size)} }} }} }}
        layer {{ name: 'n' type: 'AbsVal' bottom: 's' top: 'n' }}
        layer {{ name: 'c' type: 'Crop' bottom: 'x' bottom: 'n' top: 'y'
                 crop_param {{ {options} }} }}""")
    agree(net, lambda feed: {"y": feed["x"][index]})


def test_alone(parity):
    reason = "OpenCV 4 does not run the ONNX of a net that has an input of which it needs the size only"
    parity(
        "Crop",
        "",
        [SHAPE, (1, 1, 2, 3)],
        lambda bottoms, blobs: bottoms[0][:, :, :2, :3],
        apart={"opencv-onnx": reason} if cv2.__version__.startswith("4.") else None,
    )


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPE], "has 1 bottoms, Caffe takes 2"),
        ("", [SHAPE, (1, 3)], "differ in their number of axes"),
        ("", [SHAPE, (1, 3, 8, 8)], "exceeds"),
        ("offset: 4", [SHAPE, (1, 3, 4, 4)], "exceeds"),
        ("offset: 1 offset: 1 offset: 1", [SHAPE, (1, 3, 4, 4)], "3 offset for 2 axes"),
        ("axis: 4", [SHAPE, SHAPE], "axis 4 is outside"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Crop", f"crop_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Crop\): .*{message}"):
        build_graph(net, "net")
