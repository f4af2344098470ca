"""PriorBox against the loops of the ssd fork, written out."""

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

FEATURES, PICTURE = (1, 2, 3, 4), (1, 3, 30, 48)


def prior_box(
    least, most=(), ratios=(), flip=True, clip=False, variance=(0.1,), img=None, step=None, offset=0.5
):
    def reference(bottoms, blobs):
        height, width = bottoms[0].shape[2:]
        img_h, img_w = img or bottoms[1].shape[2:]
        step_h, step_w = step or (img_h / height, img_w / width)
        all_ratios = [1.0]
        for ratio in map(np.float32, ratios):
            if all(abs(ratio - other) >= 1e-6 for other in all_ratios):
                all_ratios += [float(ratio), 1 / float(ratio)][: 2 if flip else 1]
        boxes = []
        for h in range(height):
            for w in range(width):
                x, y = (w + offset) * step_w, (h + offset) * step_h
                for s, size in enumerate(least):
                    size = int(size)
                    sizes = [(size, size)]
                    if most:
                        sizes.append((np.sqrt(size * int(most[s])),) * 2)
                    sizes += [(size * np.sqrt(r), size / np.sqrt(r)) for r in all_ratios[1:]]
                    for box_w, box_h in sizes:
                        boxes += [(x - box_w / 2) / img_w, (y - box_h / 2) / img_h]
                        boxes += [(x + box_w / 2) / img_w, (y + box_h / 2) / img_h]
        boxes = np.clip(boxes, 0, 1) if clip else np.array(boxes)
        return np.stack([boxes, np.resize(np.float32(variance), len(boxes))])[None]

    return reference


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("min_size: 6", {"least": [6]}),
        ("min_size: 6 max_size: 11", {"least": [6], "most": [11]}),
        ("min_size: 6.7 max_size: 11.9", {"least": [6.7], "most": [11.9]}),
        ("min_size: 6 aspect_ratio: 2", {"least": [6], "ratios": [2]}),
        (
            "min_size: 6 max_size: 9 aspect_ratio: [2, 3, 1, 2] flip: false",
            {"least": [6], "most": [9], "ratios": [2, 3], "flip": False},
        ),
        (
            "min_size: [6, 9] max_size: [9, 14] aspect_ratio: [2, 3]",
            {"least": [6, 9], "most": [9, 14], "ratios": [2, 3]},
        ),
        ("min_size: 20 clip: true", {"least": [20], "clip": True}),
        ("min_size: 6 variance: 0.3", {"least": [6], "variance": [0.3]}),
        (
            "min_size: 6 variance: [0.1, 0.1, 0.2, 0.3]",
            {"least": [6], "variance": [0.1, 0.1, 0.2, 0.3]},
        ),
        ("min_size: 6 img_size: 40", {"least": [6], "img": (40, 40)}),
        ("min_size: 6 img_h: 40 img_w: 20", {"least": [6], "img": (40, 20)}),
        ("min_size: 6 step: 8", {"least": [6], "step": (8, 8)}),
        ("min_size: 6 step_h: 8 step_w: 4", {"least": [6], "step": (8, 4)}),
        ("min_size: 6 offset: 0", {"least": [6], "offset": 0}),
    ],
)
def test_options(agree, net_of, options, values):
    """Added to an input, as OpenCV 4 cannot give a constant out."""
    reference = prior_box(**values)
    count = reference([np.zeros(FEATURES), np.zeros(PICTURE)], []).shape[2]
    net = net_of(f"""
        layer {{ name: 'f' type: 'Input' top: 'f' input_param {{ shape {{ dim: {list(FEATURES)} }} }} }}
        layer {{ name: 'p' type: 'Input' top: 'p' input_param {{ shape {{ dim: {list(PICTURE)} }} }} }}
        layer {{ name: 'z' type: 'Input' top: 'z' input_param {{ shape {{ dim: [1, 2, {count}] }} }} }}
        layer {{ name: 'g' type: 'AbsVal' bottom: 'f' top: 'g' }}
        layer {{ name: 'q' type: 'AbsVal' bottom: 'p' top: 'q' }}
        layer {{ name: 'b' type: 'PriorBox' bottom: 'g' bottom: 'q' top: 'b'
                 prior_box_param {{ {options} }} }}
        layer {{ name: 'e' type: 'Eltwise' bottom: 'z' bottom: 'b' top: 'y' }}""")
    agree(net, lambda feed: {"y": np.float64(feed["z"]) + reference([feed["f"], feed["p"]], [])}, [1])


def test_alone(parity):
    reason = "OpenCV 4 by way of ONNX cannot give it out as an output"
    apart = {"opencv-onnx": reason} if cv2.__version__.startswith("4.") else None
    text = "prior_box_param { min_size: 6 }"
    parity("PriorBox", text, [FEATURES, PICTURE], prior_box([6]), batches=[1], apart=apart)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [FEATURES, PICTURE], "must give min_size"),
        ("min_size: 0", [FEATURES, PICTURE], "min_size above 0"),
        ("min_size: 6 max_size: 6", [FEATURES, PICTURE], "max_size must be greater"),
        ("min_size: 6 max_size: [8, 9]", [FEATURES, PICTURE], "2 max_size for 1 min_size"),
        ("min_size: 6 variance: [1, 2]", [FEATURES, PICTURE], "one or four numbers"),
        ("min_size: 6 variance: 0", [FEATURES, PICTURE], "one or four numbers above 0"),
        ("min_size: 6 step: 0", [FEATURES, PICTURE], "must be above 0"),
        ("min_size: 6 img_h: 9", [FEATURES, PICTURE], "must be above 0"),
        ("min_size: 6 step: 1 step_h: 1", [FEATURES, PICTURE], "both step and step_h"),
        ("min_size: 6 img_size: 1 img_w: 1", [FEATURES, PICTURE], "both img_size and img_h"),
        ("min_size: 6", [FEATURES], "has 1 bottoms, Caffe takes 2"),
        ("min_size: 6", [FEATURES, (1, 2)], "must be N x C x H x W"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("PriorBox", f"prior_box_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(PriorBox\): .*{message}"):
        build_graph(net, "net")
