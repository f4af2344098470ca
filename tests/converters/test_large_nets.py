"""A net of 100 MB: converting takes a few times the time of copying the file, and of its size."""

import json
import subprocess
import sys

import numpy as np
import pytest

from protoface.converters import build_graph, write_weights
from protoface.converters.weights import with_arrays

MEASURE = """
import json, os, sys, time
from pathlib import Path
from protoface.converters import convert, convert_onnx
import onnx, torch, h5py
prototxt, source, out = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
options = json.loads(sys.argv[4])

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))

def copied():  # as files are written here: under another name, which then takes the place
    started = time.perf_counter()
    Path(out + ".new").write_bytes(source.read_bytes())
    os.replace(out + ".new", out + ".copy")
    return time.perf_counter() - started

def converted():
    started = time.perf_counter()
    if source.suffix == ".onnx":
        convert_onnx(source, out)
    else:
        convert(prototxt, source, out, **options)
    return time.perf_counter() - started

Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
times = [(converted(), copied())]
taken = status("VmHWM") - before
times += [(converted(), copied()) for _ in range(6)]
print(json.dumps([min(a for a, _ in times) / min(b for _, b in times), taken / source.stat().st_size]))
"""
FASTEST, LEAST = 5, 4


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Folder with a net of 25 million parameters and its weights in every format."""
    from protoface.converters import convert, read_net

    folder = tmp_path_factory.mktemp("large")
    lines = ["layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 64, 8, 8] } } }"]
    bottom = "x"
    for index in range(8):
        top = f"c{index}"
        window = "convolution_param { num_output: 512 kernel_size: 3 pad: 1 }"
        lines.append(
            f"layer {{ name: '{top}' type: 'Convolution' bottom: '{bottom}' top: '{top}' {window} }}"
        )
        lines.append(f"layer {{ name: 'b{index}' type: 'BatchNorm' bottom: '{top}' top: '{top}' }}")
        lines.append(f"layer {{ name: 's{index}' type: 'Scale' bottom: '{top}' top: '{top}' }}")
        bottom = top
    lines.append(
        f"layer {{ name: 'f' type: 'InnerProduct' bottom: '{bottom}' top: 'f' "
        "inner_product_param { num_output: 256 } }"
    )
    (folder / "n.prototxt").write_text("\n".join(lines))
    net = read_net(folder / "n.prototxt")
    graph = build_graph(net, "n")
    generator = np.random.default_rng(0)
    specs = graph.blob_specs().items()
    arrays = {key: generator.uniform(0.1, 1, spec.shape).astype(np.float32) for key, spec in specs}
    write_weights(folder / "n.caffemodel", with_arrays(net, graph, arrays))
    for suffix in (".caffemodel.h5", ".pt", ".onnx"):
        convert(folder / "n.prototxt", folder / "n.caffemodel", folder / f"n{suffix}")
    assert (folder / "n.caffemodel").stat().st_size > 95e6
    return folder


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("source", "out", "options"),
    [
        (".caffemodel", ".onnx", {}),
        (".caffemodel", ".caffemodel", {}),
        (".caffemodel", ".caffemodel.h5", {}),
        (".caffemodel", ".pt", {}),
        (".caffemodel.h5", ".onnx", {}),
        (".pt", ".caffemodel", {}),
        (".onnx", ".caffemodel", {}),
        (".caffemodel", ".caffemodel", {"fold_bn": True}),
        (".caffemodel", ".onnx", {"fold_bn": True}),
        (".caffemodel", ".onnx", {"float16": True}),
    ],
)
def test_time_and_memory(large, source, out, options):
    # a name for each case: the net that is written beside weights replaces no other one
    name = large / f"{'_'.join(['out', source.strip('.'), *options])}{out}"
    command = [
        sys.executable,
        "-c",
        MEASURE,
        *map(str, (large / "n.prototxt", large / f"n{source}", name)),
    ]
    done = subprocess.run([*command, json.dumps(options)], capture_output=True, text=True, check=True)
    time, memory = json.loads(done.stdout)
    print(f"{source} -> {out} {options}: {time:.1f} x the time, {memory:.1f} x the memory")
    # an option computes with every weight on top of moving it
    assert time <= FASTEST * (2 if options else 1)
    assert memory <= LEAST
