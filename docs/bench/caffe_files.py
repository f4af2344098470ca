"""Times the published Caffe nets: ONNX Runtime by protoface against OpenCV 4 on the Caffe files.

    python docs/bench/caffe_files.py --weights L1.caffemodel L2.caffemodel --images DIR
        [--runs 60] [--json FILE]

The cascade `original` runs on DIR's pictures in one process, one thread, in turn: `onnxruntime` as
`protoface detect` runs it; `opencv-caffe` with the nets that cv2.dnn.readNetFromCaffe makes of the
same files, untouched, weights below 1e-38 (denormals) included; `opencv` as `detect --backend opencv`
runs it, without them. All three get the same windows. Agreement: the largest difference of outputs,
given the same inputs. Needs OpenCV 4 (OpenCV 5 has no Caffe importer).
"""

import argparse
import json
import logging
import shlex
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from protoface.cascade.cascade import load
from protoface.cascade.definition import find_definition, read_definition
from protoface.cascade.measure.machine import machine, versions
from protoface.converters.caffe_pb2 import NetParameter
from protoface.converters.ends import Ends, Value
from protoface.converters.runtimes import run_opencv

PICTURES = 40
REFERENCE = "opencv-caffe"


def opencv_caffe(weights: list[str]):
    """The cascade on OpenCV's own import of the Caffe files."""
    cascade = load("original", "opencv", weights=weights, threads=1)
    path = find_definition("original")
    definition = read_definition(path)
    cascade.backend = REFERENCE
    for number, (stage, file) in enumerate(zip(definition.stage, weights, strict=True)):
        net = cv2.dnn.readNetFromCaffe(str(path.parent / stage.net), file)
        old = cascade.stages[number]
        blob, out = next(iter(old.views)), next(iter(old.answers))
        inputs = Value(blob, blob, (1, *old.view.shape))
        outputs = Value(out, net.getLayerNames()[-1], (1, *old.answers[out].shape))
        ends = Ends(file, (inputs,), (Value(outputs.name, outputs.name, outputs.shape),))
        run = run_opencv(net, ends)
        forward = lambda feed, run=run, out=out: {out: next(iter(run(feed).values()))}  # noqa: E731
        cascade.stages[number] = replace(old, forward=forward)
    return cascade


def times(cascades: list, images: list, runs: int) -> dict[str, list[float]]:
    """Milliseconds per picture of each run: in all, and of the nets."""
    found = defaultdict(list)
    for run in range(runs + 2):
        for cascade in cascades:
            start = time.perf_counter()
            for image in images:
                cascade.detect(image)
            whole = time.perf_counter() - start
            inside = sum(
                step.seconds.forward
                for image in images
                for step in cascade.steps([image], clock=time.perf_counter)
            )
            if run >= 2:
                found[cascade.backend].append(1000 * whole / len(images))
                found[f"{cascade.backend} nets"].append(1000 * inside / len(images))
    return found


def difference(cascade, reference, images: list) -> float:
    """The largest difference of outputs, each stage given what the reference's stage was given."""
    worst = 0.0
    for image in images:
        for number, step in enumerate(reference.steps([image])):
            (blob,) = step.outputs
            answer = cascade.stages[number].forward(step.inputs)[blob]
            worst = max(worst, float(np.abs(answer - step.outputs[blob]).max()))
    return worst


def denormals(file: str) -> int:
    """Weights of a Caffe file below the smallest normal float32."""
    net = NetParameter.FromString(Path(file).read_bytes())
    blobs = [np.array(blob.data, np.float32) for layer in net.layer for blob in layer.blobs]
    return sum(int(((b != 0) & (np.abs(b) < np.finfo(np.float32).tiny)).sum()) for b in blobs)


def main() -> None:
    """Measure and print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", nargs=2, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    logging.disable(logging.WARNING)
    listed = sorted(chosen.images.iterdir())
    images = [cv2.imread(str(path)) for path in listed[:: max(1, len(listed) // PICTURES)][:PICTURES]]
    cascades = [
        opencv_caffe(chosen.weights),
        load("original", "opencv", weights=chosen.weights, threads=1),
        load("original", "onnxruntime", weights=chosen.weights, threads=1),
    ]
    found = times(cascades, images, chosen.runs)
    rows = []
    for cascade in cascades:
        whole, nets = found[cascade.backend], found[f"{cascade.backend} nets"]
        ratios = [a / b for a, b in zip(found[REFERENCE], whole, strict=True)]
        rows.append(
            {
                "backend": cascade.backend,
                "cascade_ms": round(median(whole), 4),
                "nets_ms": round(median(nets), 4),
                "times_as_fast": round(median(ratios), 2),
                "largest_difference": difference(cascade, cascades[0], images),
            }
        )
        print(json.dumps(rows[-1]))
    if chosen.json:
        report = {
            "command": shlex.join(["python", *sys.argv]),
            "machine": machine(),
            "versions": versions(),
            "pictures": len(images),
            "denormal_weights": [denormals(file) for file in chosen.weights],
            "rows": rows,
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
