"""A cascade of DAN's stages with random weights, and the whole net with the same ones."""

import numpy as np

from protoface.converters import build_graph, read_net
from protoface.converters.fillers import fill_graph
from protoface.converters.weights import with_arrays, write_weights

from .generator import run


def random_blobs(nets):
    """Blobs of all nets by key; statistics of BatchNorm are not those of fillers."""
    generator, found = np.random.default_rng(0), {}
    for number, net in enumerate(nets):
        graph = build_graph(net, "net")
        for key, array in fill_graph(graph, number).items():
            random = np.abs(generator.normal(1, 0.2, array.shape)).astype(np.float32)
            found[key] = random if "/bn_new" in key else array
    return found


def random_cascade(folder, *options):
    """Write a cascade with weights to a folder; returns the whole net with the same ones."""
    run(*options, "--out", folder)
    paths = sorted(folder.glob("stage_*/deploy.prototxt"))
    nets = {path: read_net(path) for path in paths}
    blobs = random_blobs(nets.values())
    for path, net in nets.items():
        graph = build_graph(net, "net")
        filled = with_arrays(net, graph, {key: blobs[key] for key in graph.blob_specs()})
        write_weights(path.parent / f"{path.parent.name}.caffemodel", filled)
    whole = read_net(folder / "whole" / "deploy.prototxt")
    graph = build_graph(whole, "whole")
    return with_arrays(whole, graph, {key: blobs[key] for key in graph.blob_specs()})
