"""MTCNN's weights of random numbers in the layouts of Caffe and facenet-pytorch, and nets for them.

Both nets are written here once more, in plain PyTorch, from the published descriptions.
"""

import cv2
import numpy as np
import torch
from torch.nn import functional

from protoface.converters import caffe_pb2

#: Net -> channels out and kernels of its convolutions, units of its hidden layer.
CONVS = {
    "pnet": [(10, 3), (16, 3), (32, 3)],
    "rnet": [(28, 3), (48, 3), (64, 2)],
    "onet": [(32, 3), (64, 3), (64, 3), (128, 2)],
}
HIDDEN = {"rnet": 128, "onet": 256}
SIZES = {"pnet": 12, "rnet": 24, "onet": 48}
DET = {"pnet": "det1", "rnet": "det2", "onet": "det3"}
HEADS = {"pnet": ("conv4", 2), "rnet": ("conv5", 2), "onet": ("conv6", 3)}
VALUES = (2, 4, 10)


def caffe_arrays(name, seed=0, scale=0.15):
    """Caffe's layer -> its blobs, shaped and ordered as in det1 to det3, x and y exchanged."""
    rng = np.random.default_rng(seed)

    def blob(*shape):
        return rng.normal(0, scale, shape).astype(np.float32)

    arrays, channels = {}, 3
    for number, (out, kernel) in enumerate(CONVS[name], 1):
        arrays[f"conv{number}"] = [blob(out, channels, kernel, kernel), blob(out)]
        arrays[f"{'PReLU' if name == 'pnet' else 'prelu'}{number}"] = [blob(out)]
        channels = out
    if name in HIDDEN:
        number = len(CONVS[name]) + 1
        arrays[f"conv{number}"] = [blob(HIDDEN[name], channels * 9), blob(HIDDEN[name])]
        arrays[f"prelu{number}"] = [blob(HIDDEN[name])]
        channels = HIDDEN[name]
    head, count = HEADS[name]
    kernel = () if name in HIDDEN else (1, 1)
    for number, out in enumerate(VALUES[:count], 1):
        arrays[f"{head}-{number}"] = [blob(out, channels, *kernel), blob(out)]
        if number > 1:  # boxes and points stay near their windows
            arrays[f"{head}-{number}"] = [np.float32(0.05) * one for one in arrays[f"{head}-{number}"]]
    if name == "rnet":  # the released file has it, no net uses it
        arrays["conv5-3"] = [blob(10, channels), blob(10)]
    return arrays


def write_caffe(path, arrays, old_shapes=False):
    """A .caffemodel of these blobs; in files of 2014 every shape has four axes."""
    net = caffe_pb2.NetParameter(name=path.stem)
    for name, blobs in arrays.items():
        layer = net.layer.add(name=name, type="Convolution" if blobs[0].ndim == 4 else "InnerProduct")
        for array in blobs:
            blob = layer.blobs.add(data=array.ravel())
            if old_shapes:
                shape = (1,) * (4 - array.ndim) + array.shape
                blob.num, blob.channels, blob.height, blob.width = shape
            else:
                blob.shape.dim[:] = array.shape
    path.write_bytes(net.SerializeToString())


def write_three(folder, seed=0, scale=0.15):
    """The three files det1 to det3 of random numbers in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, file) in enumerate(DET.items()):
        write_caffe(folder / f"{file}.caffemodel", caffe_arrays(name, seed + number, scale))
    return folder


def caffe_forward(name, arrays, x):
    """Logits, boxes and points of Caffe's net for its own input: the picture with x and y exchanged."""
    blobs = {
        layer.lower(): [torch.from_numpy(blob) for blob in list_] for layer, list_ in arrays.items()
    }

    def prelu(x, number):
        return functional.prelu(x, blobs[f"prelu{number}"][0])

    pools = {"pnet": [2], "rnet": [3, 3], "onet": [3, 3, 2]}[name]
    for number in range(1, len(CONVS[name]) + 1):
        x = prelu(functional.conv2d(x, *blobs[f"conv{number}"]), number)
        if number <= len(pools):
            x = functional.max_pool2d(x, pools[number - 1], 2, ceil_mode=True)
    head, count = HEADS[name]
    if name not in HIDDEN:
        return [functional.conv2d(x, *blobs[f"{head}-{number}"]) for number in range(1, count + 1)]
    number = len(CONVS[name]) + 1
    x = prelu(functional.linear(x.flatten(1), *blobs[f"conv{number}"]), number)
    return [functional.linear(x, *blobs[f"{head}-{number}"]) for number in range(1, count + 1)]


def facenet_state(name, arrays):
    """facenet-pytorch's state dict of the same net: its relation to Caffe's blobs, value by value."""
    state = {}
    for layer, blobs in arrays.items():
        if layer == "conv5-3" and name == "rnet":
            continue
        key, weight = layer.lower().replace("-", "_"), blobs[0]
        full = weight.ndim == 2
        if full:
            key = key.replace("conv", "dense")
        if weight.ndim == 4:
            weight = np.stack([[[plane.T for plane in planes]] for planes in weight])[:, 0]
        elif full and weight.shape[1] % 9 == 0:
            channels = weight.shape[1] // 9
            turned = np.empty_like(weight)
            for a in range(3):
                for b in range(3):
                    for c in range(channels):
                        turned[:, (a * 3 + b) * channels + c] = weight[:, c * 9 + a * 3 + b]
            weight = turned
        for part, array in zip(("weight", "bias"), (weight, *blobs[1:]), strict=False):
            state[f"{key}.{part}"] = torch.from_numpy(np.ascontiguousarray(array))
    return state


def finding(name, seed=0):
    """Random weights that find faces in noise: the scores of crops are spread about the thresholds."""
    arrays = caffe_arrays(name, seed, 0.1)
    rng, size = np.random.default_rng(1), SIZES[name]
    crops = [cv2.resize(noise(rng, 60, 60), (size, size)).transpose(2, 1, 0) for _ in range(40)]
    x = (torch.from_numpy(np.stack(crops)).float() - 127.5) / 128
    weight, bias = arrays[f"{HEADS[name][0]}-1"]
    none, face = caffe_forward(name, arrays, x)[0].reshape(len(x), 2).T.numpy()
    weight *= 1 / (face - none).std()
    bias[:] = 0, bias[1] - bias[0]
    none, face = caffe_forward(name, arrays, x)[0].reshape(len(x), 2).T.numpy()
    bias[1] += {"pnet": 0, "rnet": 1, "onet": 1.5}[name] - (face - none).mean()
    return arrays


def noise(rng, rows, columns):
    """A picture of noise of many sizes."""
    layers = [cv2.resize(rng.uniform(0, 255, (n, n, 3)), (columns, rows)) for n in (3, 9, 40)]
    return np.mean(layers, 0).astype(np.uint8)


def write_finding(folder, seed=0):
    """det1 to det3 that find faces in noise, in a folder; and their arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    nets = [finding(name, seed + number) for number, name in enumerate(DET)]
    for arrays, file in zip(nets, DET.values(), strict=True):
        write_caffe(folder / f"{file}.caffemodel", arrays)
    return nets
