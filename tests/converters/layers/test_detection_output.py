"""DetectionOutput against the loops of the ssd fork, written out."""

import cv2
import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph, to_onnx
from protoface.converters.runtimes import run_pytorch

COUNT, CLASSES = 12, 4
ON_4 = cv2.__version__.startswith("4.")
REASON = "which OpenCV 4 does not load: it has no NonMaxSuppression"
APART = {"opencv-onnx": REASON} if ON_4 else {}
# Options that OpenCV 4's importer does not have: the net goes by way of ONNX, which it does not load.
UNKNOWN_TO_4 = ("CORNER_SIZE", "variance_encoded", "nms_threshold: 0 ", "background_label_id: -1")


def decode(location, prior, variance, code="CORNER", encoded=False):
    variance = np.ones(4) if encoded else variance
    low, high = prior[:2], prior[2:]
    size, centre = high - low, (low + high) / 2
    if code == "CORNER":
        return prior + variance * location
    if code == "CORNER_SIZE":
        return prior + variance * location * np.concatenate([size, size])
    centre = variance[:2] * location[:2] * size + centre
    size = np.exp(variance[2:] * location[2:]) * size
    return np.concatenate([centre - size / 2, centre + size / 2])


def area(box):
    return 0.0 if (box[2:] < box[:2]).any() else np.prod(box[2:] - box[:2])


def overlap(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    if (high <= low).any():
        return 0.0
    common = np.prod(high - low)
    return common / (area(one) + area(other) - common)


def suppress(boxes, scores, threshold, nms, top_k, eta):
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    order = [index for index in order if threshold is None or scores[index] > threshold]
    kept = []
    for index in order[: None if top_k < 0 else top_k]:
        if all(overlap(boxes[index], boxes[other]) <= nms for other in kept):
            kept.append(index)
            if eta < 1 and nms > 0.5:
                nms *= eta
    return kept


def detections(
    shared=True,
    background=0,
    nms=0.3,
    top_k=-1,
    eta=1,
    keep=-1,
    threshold=None,
    classes=CLASSES,
    **coding,
):
    def one(picture, location, scores, prior, variance):
        found = []
        for label in range(classes):
            if label == background:
                continue
            boxes = [
                decode(location[i, 0 if shared else label], prior[i], variance[i], **coding)
                for i in range(len(prior))
            ]
            for i in suppress(boxes, scores[:, label], threshold, nms, top_k, eta):
                found.append([picture, label, scores[i, label], *boxes[i]])
        if keep > -1 and len(found) > keep:
            best = sorted(found, key=lambda row: -row[2])[:keep]
            found = [row for row in found if any(row is other for other in best)]
        return found

    def reference(bottoms):
        location, scores, priors = bottoms
        count = priors.shape[2] // 4
        prior, variance = priors.reshape(2, count, 4)
        location = location.reshape(len(location), count, -1, 4)
        scores = scores.reshape(len(scores), count, classes)
        rows = []
        for picture in range(len(scores)):
            rows += one(picture, location[picture], scores[picture], prior, variance)
        rows = rows or [[picture, *[-1] * 6] for picture in range(len(scores))]
        return np.array(rows).reshape(1, 1, -1, 7)

    return reference


def by_label(output):
    """OpenCV 4's rows in Caffe's order, and without the zeros behind them."""
    rows = [row for row in output[0, 0] if row[2] > 0]
    return np.array(sorted(rows, key=lambda row: (row[0], row[1], -row[2])))[None, None]


@pytest.fixture
def detect(net_of, agree):
    """Runs a layer behind a PriorBox (4 boxes for each of 1 x 3 pixels) and a Softmax."""

    def check(options, values, right=by_label):
        apart = dict(APART)
        if ON_4 and any(option in options for option in UNKNOWN_TO_4):
            apart["opencv-caffe"] = REASON
        classes = values.get("classes", CLASSES)
        places = 1 if values.get("shared", True) else classes
        net = net_of(f"""
            layer {{ name: 'f' type: 'Input' top: 'f'
                     input_param {{ shape {{ dim: [1, 2, 1, 3] }} }} }}
            layer {{ name: 'd' type: 'Input' top: 'd'
                     input_param {{ shape {{ dim: [1, 3, 20, 60] }} }} }}
            layer {{ name: 'l' type: 'Input' top: 'l'
                     input_param {{ shape {{ dim: [1, {COUNT * places * 4}] }} }} }}
            layer {{ name: 's' type: 'Input' top: 's'
                     input_param {{ shape {{ dim: [1, {COUNT}, {classes}] }} }} }}
            layer {{ name: 'fa' type: 'AbsVal' bottom: 'f' top: 'fa' }}
            layer {{ name: 'da' type: 'AbsVal' bottom: 'd' top: 'da' }}
            layer {{ name: 'p' type: 'PriorBox' bottom: 'fa' bottom: 'da' top: 'p' prior_box_param {{
                     min_size: 20 max_size: 30 aspect_ratio: 2 variance: [0.1, 0.1, 0.2, 0.2] }} }}
            layer {{ name: 'm' type: 'Softmax' bottom: 's' top: 'm' softmax_param {{ axis: 2 }} }}
            layer {{ name: 'mf' type: 'Flatten' bottom: 'm' top: 'mf' }}
            layer {{ name: 'o' type: 'DetectionOutput' bottom: 'l' bottom: 'mf' bottom: 'p' top: 'y'
                     detection_output_param {{ num_classes: {classes} {options} }} }}""")
        boxes = build_graph(net, "net").nodes[6].layer.boxes()
        reference = detections(**values)

        def expected(feed):
            powers = np.exp(np.float64(feed["s"]))
            scores = powers / powers.sum(2, keepdims=True)
            return {"y": reference([np.float64(feed["l"]), scores, boxes])}

        agree(net, expected, apart=apart, put_right={"opencv-caffe": right})

    return check


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("", {}),
        ("code_type: CENTER_SIZE", {"code": "CENTER_SIZE"}),
        ("code_type: CORNER_SIZE", {"code": "CORNER_SIZE"}),
        (
            "code_type: CENTER_SIZE variance_encoded_in_target: true",
            {"code": "CENTER_SIZE", "encoded": True},
        ),
        ("nms_param { nms_threshold: 0.6 }", {"nms": 0.6}),
        ("nms_param { nms_threshold: 0 } ", {"nms": 0}),
        ("nms_param { nms_threshold: 0.45 top_k: 5 }", {"nms": float(np.float32(0.45)), "top_k": 5}),
        ("nms_param { top_k: 400 } keep_top_k: 200", {"top_k": 400, "keep": 200}),
        ("keep_top_k: 6", {"keep": 6}),
        ("confidence_threshold: 0.25", {"threshold": 0.25}),
        ("background_label_id: -1", {"background": -1}),
        ("background_label_id: 2", {"background": 2}),
        ("share_location: false", {"shared": False}),
        (
            "share_location: false background_label_id: 1 code_type: CENTER_SIZE keep_top_k: 7 "
            "nms_param { nms_threshold: 0.5 top_k: 8 } confidence_threshold: 0.125",
            {
                "shared": False,
                "background": 1,
                "code": "CENTER_SIZE",
                "keep": 7,
                "nms": 0.5,
                "top_k": 8,
                "threshold": 0.125,
            },
        ),
    ],
)
def test_options(detect, options, values):
    detect(options, values)


def test_two_classes(detect):
    detect("code_type: CENTER_SIZE", {"code": "CENTER_SIZE", "classes": 2})


def test_files_are_not_written(detect, tmp_path):
    options = f"save_output_param {{ output_directory: '{tmp_path}/out' label_map_file: 'none' }}"
    detect(options, {})
    assert not any(tmp_path.iterdir())


def test_nothing_is_found(detect):
    def none_for_zeros(output):
        assert not output.any()
        pictures = output.shape[2] // (COUNT * (CLASSES - 1))
        return np.array([[picture, *[-1] * 6] for picture in range(pictures)])[None, None]

    detect("confidence_threshold: 1", {"threshold": 1}, none_for_zeros)


def head(number, source, features):
    """Location, confidence and boxes of one feature map, as SSD's nets write them."""
    parts = []
    for kind, outputs in (("loc", 3 * 4), ("conf", 3 * CLASSES)):
        parts.append(f"""
            layer {{ name: '{kind}{number}' type: 'Convolution' bottom: '{source}' top: '{kind}{number}'
                     convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }} }}
            layer {{ name: '{kind}{number}_perm' type: 'Permute' bottom: '{kind}{number}'
                     top: '{kind}{number}_perm' permute_param {{ order: [0, 2, 3, 1] }} }}
            layer {{ name: '{kind}{number}_flat' type: 'Flatten' bottom: '{kind}{number}_perm'
                     top: '{kind}{number}_flat' flatten_param {{ axis: 1 }} }}""")
    return (
        "".join(parts)
        + f"""
        layer {{ name: 'priorbox{number}' type: 'PriorBox' bottom: '{source}' bottom: 'data'
                 top: 'priorbox{number}' prior_box_param {{ min_size: {features} aspect_ratio: 2
                 variance: [0.1, 0.1, 0.2, 0.2] }} }}"""
    )


def joined(name, kind, axis):
    return f"""
        layer {{ name: '{name}' type: 'Concat' bottom: '{kind[0]}' bottom: '{kind[1]}' top: '{name}'
                 concat_param {{ axis: {axis} }} }}"""


def test_as_in_mobilenet_ssd(agree, net_of, filled):
    """Two feature maps; every runtime against PyTorch."""
    net = f"""
        layer {{ name: 'data' type: 'Input' top: 'data'
                 input_param {{ shape {{ dim: [1, 3, 32, 32] }} }} }}
        layer {{ name: 'conv1' type: 'Convolution' bottom: 'data' top: 'conv1'
                 convolution_param {{ num_output: 8 kernel_size: 3 stride: 4 }} }}
        layer {{ name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }}
        layer {{ name: 'conv2' type: 'Convolution' bottom: 'conv1' top: 'conv2'
                 convolution_param {{ num_output: 8 kernel_size: 3 stride: 2 pad: 1 }} }}
        layer {{ name: 'norm' type: 'Normalize' bottom: 'conv1' top: 'norm'
                 norm_param {{ across_spatial: false channel_shared: false }} }}
        {head(1, "norm", 8)} {head(2, "conv2", 16)}
        {joined("mbox_loc", ["loc1_flat", "loc2_flat"], 1)}
        {joined("mbox_conf", ["conf1_flat", "conf2_flat"], 1)}
        {joined("mbox_priorbox", ["priorbox1", "priorbox2"], 2)}
        layer {{ name: 'reshape' type: 'Reshape' bottom: 'mbox_conf' top: 'reshape'
                 reshape_param {{ shape {{ dim: [0, -1, {CLASSES}] }} }} }}
        layer {{ name: 'softmax' type: 'Softmax' bottom: 'reshape' top: 'softmax'
                 softmax_param {{ axis: 2 }} }}
        layer {{ name: 'flatten' type: 'Flatten' bottom: 'softmax' top: 'flatten' }}
        layer {{ name: 'found' type: 'DetectionOutput' bottom: 'mbox_loc' bottom: 'flatten'
                 bottom: 'mbox_priorbox' top: 'found' detection_output_param {{
                 num_classes: {CLASSES} nms_param {{ nms_threshold: 0.45 top_k: 100 }}
                 code_type: CENTER_SIZE keep_top_k: 50 confidence_threshold: 0.25 }} }}"""
    agree(filled(net_of(net)), apart=APART, put_right={"opencv-caffe": by_label})


OPTIONS = "num_classes: 3 code_type: CENTER_SIZE nms_param { nms_threshold: 0.75 eta: 0.5 }"


def layer_alone(one_layer, options):
    shapes = [(1, 4 * 40), (1, 3 * 40), (1, 2, 4 * 40)]
    return one_layer("DetectionOutput", f"detection_output_param {{ {options} }}", shapes)


def test_a_threshold_that_shrinks(one_layer):
    """With eta, which PyTorch alone has."""
    generator = np.random.default_rng(0)
    centre, size = generator.uniform(0.4, 0.6, (40, 2)), generator.uniform(0.3, 0.4, (40, 2))
    prior = np.concatenate([centre - size / 2, centre + size / 2], 1)
    feed = {
        "x0": generator.normal(0, 1, (2, 160)),
        "x1": generator.uniform(0, 1, (2, 120)),
        "x2": np.stack([prior.ravel(), np.full(160, 0.1)])[None],
    }
    net = layer_alone(one_layer, OPTIONS)
    found = run_pytorch(net, np.float64)(feed)["y"]
    for eta in (0.5, 1):
        coding = {"code": "CENTER_SIZE", "classes": 3}
        expected = detections(nms=0.75, eta=eta, **coding)(list(feed.values()))
        assert (found.shape == expected.shape) == (eta == 0.5)
        if eta == 0.5:
            np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (OPTIONS, "eta below 1 cannot be written to ONNX"),
        ("num_classes: 3 keep_top_k: 0", "keep_top_k 0 cannot be written to ONNX"),
        ("num_classes: 3 nms_param { top_k: 0 }", "top_k 0 and keep_top_k 0 cannot be written"),
    ],
)
def test_what_onnx_does_not_have(one_layer, options, message):
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(DetectionOutput\): .*{message}"):
        to_onnx(layer_alone(one_layer, options), "net")


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(1, 8), (1, 6), (1, 2, 8)], "must give num_classes"),
        ("num_classes: 3", [(1, 8), (1, 6)], "has 2 bottoms, Caffe takes 3"),
        ("num_classes: 4", [(1, 8), (1, 6), (1, 2, 8)], "2 boxes and 4 classes do not fit"),
        ("num_classes: 3", [(1, 9), (1, 6), (1, 2, 8)], "2 boxes and 3 classes do not fit"),
        ("num_classes: 3", [(1, 8), (1, 6), (1, 2, 9)], "must be 1 x 2 x 4 boxes"),
        ("num_classes: 1", [(1, 8), (1, 2), (1, 2, 8)], "no class besides the background"),
        (
            "num_classes: 3 nms_param { nms_threshold: -1 }",
            [(1, 8), (1, 6), (1, 2, 8)],
            "nms_threshold must be",
        ),
        ("num_classes: 3 nms_param { eta: 0 }", [(1, 8), (1, 6), (1, 2, 8)], "eta above 0"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("DetectionOutput", f"detection_output_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(DetectionOutput\): .*{message}"):
        build_graph(net, "net")
