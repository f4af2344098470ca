"""The layers of a net, whether or not protoface can convert all of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from . import caffe_pb2
from .blobs import Shape, blob_shape, blob_view
from .denormals import EXACT, count_denormals
from .errors import ProtofaceError
from .graph import Net
from .layers import layer_types, make_layer

CARRIED, LEFT_OUT, UNKNOWN, REFUSED, BEHIND = (
    "carried over",
    "left out",
    "unknown type",
    "refused",
    "unknown bottom",
)


@dataclass(frozen=True)
class Row:
    """One layer. `shapes`, `parameters` and `multiply_adds` are None where they cannot be known.

    `status`: carried over, left out (data, losses), unknown type, refused (an option that is not
    supported), or unknown bottom (it reads what such a layer makes); `reason` says more. Parameters
    are counted at the layer that owns them. `weights`: "yes", "missing", "damaged", or the shapes that
    do not fit; "" where there are none to compare or the layer needs none. `denormals`: how many of
    them are below 1.2e-38 and not zero, which costs time (`denormals.py`); None without weights.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    status: str
    reason: str = ""
    shapes: tuple[Shape, ...] | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    weights: str = ""
    denormals: int | None = None


@dataclass(frozen=True)
class Summary:
    """The layers of a net in order, and sums over those whose numbers are known."""

    name: str
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """Parameters of all layers that could be counted."""
        return sum(row.parameters or 0 for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one pass at the declared batch size, of all layers that could be counted."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def denormals(self) -> int | None:
        """Weights of all layers that are denormal in float32; None without a weights file."""
        counts = [row.denormals for row in self.rows if row.denormals is not None]
        return sum(counts) if counts else None

    @property
    def unsupported(self) -> tuple[Row, ...]:
        """The layers that cannot be converted by themselves."""
        return tuple(row for row in self.rows if row.status in (UNKNOWN, REFUSED))


def summarise(net: Net, weights: Net | None = None) -> Summary:
    """Every layer of a net (one phase), with what its weights file holds for it.

    Unlike `build_graph` it stops at nothing: layers that are not known are rows like others, and what
    they make has no shape.
    """
    shapes: dict[str, Shape] = {}
    owners: set[str] = set()
    present = {layer.name: layer for layer in weights.layer if layer.blobs} if weights else None
    rows = []
    for param in net.layer:
        row = _row(param, shapes, owners, present)
        for index, top in enumerate(param.top):
            shapes.pop(top, None)
            if row.shapes is not None and index < len(row.shapes):
                shapes[top] = row.shapes[index]
        rows.append(row)
    return Summary(net.name, tuple(rows))


def _row(
    param: caffe_pb2.LayerParameter,
    shapes: dict[str, Shape],
    owners: set[str],
    present: dict[str, caffe_pb2.LayerParameter] | None,
) -> Row:
    head = (param.name, param.type, tuple(param.bottom), tuple(param.top))
    kind = layer_types().get(param.type)
    if kind is None:
        return Row(*head, UNKNOWN, "not in docs/layers.md")
    if kind.left_out is not None:
        return Row(*head, LEFT_OUT, kind.left_out)
    unknown = [bottom for bottom in param.bottom if bottom not in shapes]
    if unknown:
        return Row(*head, BEHIND, f"'{unknown[0]}' has no known shape")
    try:
        layer = make_layer(param, [shapes[bottom] for bottom in param.bottom], "net")
        tops, blobs = tuple(layer.tops()), [spec.shape for spec in layer.blobs()]
        work = layer.multiply_adds()
    except ProtofaceError as error:
        return Row(*head, REFUSED, str(error).rpartition(f"({param.type}): ")[2])
    own = [index for index in range(len(blobs)) if _owned(param, index, owners)]
    parameters = sum(math.prod(blobs[index]) for index in own)
    weights, denormals = _weights(param.name, blobs, present), None
    if present is not None and weights == "yes" and param.type not in EXACT:
        weights, denormals = _denormals(present[param.name], own)
    return Row(*head, CARRIED, "", tops, parameters, work, weights, denormals)


def _denormals(layer: caffe_pb2.LayerParameter, own: Sequence[int]) -> tuple[str, int | None]:
    """How many values are denormal in the blobs `own`, and "yes" if they can be read."""
    try:
        return "yes", sum(count_denormals(blob_view(layer.blobs[index], "blob")) for index in own)
    except ProtofaceError:
        return "damaged", None


def _owned(param: caffe_pb2.LayerParameter, index: int, owners: set[str]) -> bool:
    """Whether a layer is the first to use a blob that `param { name }` may share."""
    name = param.param[index].name if index < len(param.param) else ""
    if name in owners:
        return False
    if name:
        owners.add(name)
    return True


def _weights(
    name: str, blobs: Sequence[Shape], present: dict[str, caffe_pb2.LayerParameter] | None
) -> str:
    if present is None or not blobs:
        return ""
    if name not in present:
        return "missing"
    found = [blob_shape(blob) for blob in present[name].blobs]
    fits = len(found) == len(blobs) and all(
        math.prod(a) == math.prod(b) for a, b in zip(found, blobs, strict=True)
    )
    return (
        "yes" if fits else f"{[list(shape) for shape in found]} instead of {[list(s) for s in blobs]}"
    )


def as_json(summary: Summary) -> dict[str, object]:
    """A summary as what `json.dump` takes."""
    return {
        "name": summary.name,
        "layers": [
            {key: value for key, value in vars(row).items() if value not in (None, "")}
            for row in summary.rows
        ],
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        **({} if summary.denormals is None else {"denormals": summary.denormals}),
        "unsupported": [row.name for row in summary.unsupported],
    }


def as_text(summary: Summary) -> str:
    """A summary as a table in plain text, with the totals and what is unsupported below."""
    head = ("layer", "type", "top", "shape", "parameters", "multiply-adds", "")
    cells = [head, *(_cells(row) for row in summary.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    counts = Counter(row.type for row in summary.unsupported)
    known = f"{summary.parameters:,} parameters, {summary.multiply_adds:,} multiply-adds"
    lines.append(f"{len(summary.rows)} layers, {'at least ' if counts else ''}{known}")
    if summary.denormals:
        lines.append(
            f"{summary.denormals:,} weights are denormal (below 1.2e-38), which makes a net slow; they "
            "are zero where it runs and in ONNX"
        )
    if counts:
        listed = ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))
        lines.append(f"unsupported: {listed}")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    shapes = ["x".join(map(str, shape)) or "1 number" for shape in row.shapes or ()]
    notes = [row.status if row.status != CARRIED else "", row.reason]
    if row.weights not in ("", "yes"):
        notes.append(f"weights: {row.weights}")
    if row.denormals:
        notes.append(f"{row.denormals:,} denormal")
    return (
        row.name,
        row.type,
        ", ".join(row.tops),
        ", ".join(shapes) or "?",
        "?" if row.parameters is None else f"{row.parameters:,}",
        "?" if row.multiply_adds is None else f"{row.multiply_adds:,}",
        ": ".join(note for note in notes if note),
    )
