"""The support table in docs/layers.md, written from the registry.

python -m protoface.converters.layers.table > docs/layers.md
"""

from __future__ import annotations

from ..terminal import say
from .layer import Layer, layer_types

HEAD = """\
# Layers

Written by `make docs` from `converters/layers/`, where each layer has a file of its own; do not edit.

PyTorch, ONNX Runtime, OpenCV 4 and OpenCV 5 compute the same for every layer of the first table,
within 1e-5 of the largest output (`tests/converters/layers/`), but for what a note says. OpenCV 4 reads
Caffe files itself: `read_net_from_caffe` rewrites for it what its importer misreads, and goes by way of
ONNX where it has no layer that computes the same. OpenCV 5 reads ONNX only.
The tests run on OpenCV 4.14 and 5.0; from ONNX, 4.11 to 4.13 fail on some of Tile and ArgMax, and
4.10 on blobs of three axes.

A type that is in neither table is an error that names layer, type and file.
"""


def table() -> str:
    """The content of docs/layers.md."""
    rows: list[tuple[str, ...]] = []
    left_out: list[tuple[str, ...]] = []
    for name, layer in layer_types().items():
        if layer.left_out is None:
            rows.append((name, _first_line(layer), layer.notes))
        else:
            trained = "yes" if layer.forward is not Layer.forward else ""
            left_out.append((name, _first_line(layer), trained, layer.left_out))
    return "\n".join(
        [
            HEAD,
            "## Carried over",
            "",
            *_lines(("type", "what it computes", "notes"), rows),
            "",
            "## Left out of a deployed net, deliberately",
            "",
            *_lines(("type", "what it does", "PyTorch, in training", "why it is left out"), left_out),
            "",
        ]
    )


def _first_line(layer: type[Layer]) -> str:
    line = (layer.__doc__ or "").strip().splitlines()[0]
    return line.partition(" Source:")[0].removesuffix(".").replace("|", "\\|")


def _lines(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    body = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in body]


if __name__ == "__main__":
    say(table().removesuffix("\n"))
