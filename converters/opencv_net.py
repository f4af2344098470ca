"""Caffe files in OpenCV DNN, on any OpenCV: 4.x reads them itself, 5.x by way of ONNX in memory.

On 4.x too a net goes by way of ONNX if the importer has no layer that computes the same as one of its.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import caffe_pb2
from .blobs import to_blob
from .denormals import flushed_weights
from .files import PathLike
from .graph import Net, build_graph
from .onnx_export import to_onnx
from .opencv_onnx import buffer, has_caffe_importer, opencv_net_from_onnx, refused
from .prototxt import to_text
from .weights import weights_of, without_weights


def read_net_from_caffe(prototxt: PathLike, caffemodel: PathLike) -> cv2.dnn.Net:
    """`cv2.dnn.readNetFromCaffe` for every OpenCV from 4.10 on.

    Both files are checked first, so a missing, truncated or foreign one is a ProtofaceError that names
    it, never an OpenCV error. Inputs and outputs are named after the Caffe blobs.
    """
    from .conversion import load_net

    return opencv_net(load_net(prototxt, caffemodel), str(prototxt))


def opencv_net(net: Net, source: str, classic_engine: bool = False) -> cv2.dnn.Net:
    """An OpenCV network of a net that holds its weights; see `read_net_from_caffe`.

    `classic_engine`: on 5.x, not its new engine, which computes on the CPU whatever target is set.
    """
    rewritten = for_importer(net, source) if has_caffe_importer() else None
    if rewritten is None:
        model = to_onnx(net, source).SerializeToString()
        return opencv_net_from_onnx(model, source, classic_engine)
    text, weights = to_text(without_weights(rewritten)).encode(), rewritten.SerializeToString()
    try:
        # the type stubs of OpenCV 5 know no importer for Caffe files
        reader = cv2.dnn.readNetFromCaffe  # type: ignore[attr-defined]
        network: cv2.dnn.Net = reader(buffer(text), buffer(weights))
    except cv2.error as error:
        raise refused(source, error) from error
    return network


def for_importer(net: Net, source: str) -> Net | None:
    """The net as OpenCV 4's importer reads it right; None if some layer can go by ONNX only.

    Every blob is written once, by a layer of its name (the importer calls its outputs after layers),
    and all weights are float32 in today's shapes.
    """
    graph = build_graph(net, source)
    if set(graph.inputs) & set(graph.outputs):
        return None  # it cannot be asked for an input that no layer reads
    weights = flushed_weights(weights_of(net, graph, source), graph)
    rewritten = Net(name=net.name)
    for node in graph.nodes:
        if not node.tops:
            continue  # a Silence: here nothing is an output that is not asked for
        layer = caffe_pb2.LayerParameter()
        layer.CopyFrom(node.layer.param)
        for field in ("include", "exclude", "blobs", "param"):
            layer.ClearField(field)
        layer.bottom[:] = [value.name for value in node.bottoms]
        layer.top[:] = [value.name for value in node.tops]
        layer.name = layer.top[0]
        layer.blobs.extend(to_blob(weights[key].astype(np.float32)) for key in node.keys)
        layers = node.layer.opencv(layer)
        if layers is None:
            return None
        rewritten.layer.extend(layers)
    return rewritten
