"""DetectionOutput: the boxes that SSD has found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph

CORNER, CENTER_SIZE = caffe_pb2.PriorBoxParameter.CORNER, caffe_pb2.PriorBoxParameter.CENTER_SIZE
LOWEST = float(np.finfo(np.float32).min)


@register("DetectionOutput")
class DetectionOutput(Layer):
    """Boxes decoded, each class freed of overlapping ones, the best kept.

    Bottoms: location (N x 4 * boxes, or with `share_location: false` 4 per class), confidence
    (N x classes * boxes) and the boxes of PriorBox. Top: 1 x 1 x found x 7: number of the picture,
    label, confidence, xmin, ymin, xmax, ymax; where nothing is found one row of -1 for every picture.
    Not in BVLC Caffe: from weiliu89/caffe (ssd), src/caffe/layers/detection_output_layer.cpp and
    util/bbox_util.cpp.
    """

    notes = (
        "not in BVLC Caffe; writes no files. To ONNX without `eta`, which OpenCV 4 does not load: it "
        "has no NonMaxSuppression. OpenCV 4's importer gives the same rows, but by confidence instead "
        "of by label and filled up with zeros to `keep_top_k` rows for each picture (so also where "
        "nothing is found); CORNER_SIZE, variance_encoded_in_target, nms_threshold 0 and "
        "background_label_id -1 by way of ONNX"
    )

    batched = False

    def check(self) -> None:
        self.expect_bottoms(3)
        options = self.param.detection_output_param
        self.count = math.prod(self.bottoms[2]) // 8
        self.classes = options.num_classes
        self.places = 1 if options.share_location else self.classes
        location, confidence = (math.prod(bottom[1:]) for bottom in self.bottoms[:2])
        if self.classes < 1:
            self.fail("must give num_classes")
        if self.bottoms[2] != (1, 2, 4 * self.count):
            self.fail(f"its third bottom {list(self.bottoms[2])} must be 1 x 2 x 4 boxes")
        if location != 4 * self.count * self.places or confidence != self.count * self.classes:
            self.fail(
                f"{self.count} boxes and {self.classes} classes do not fit its bottoms "
                f"{[list(bottom) for bottom in self.bottoms]}"
            )
        if options.nms_param.nms_threshold < 0 or not 0 < options.nms_param.eta <= 1:
            self.fail("nms_threshold must be at least 0, and eta above 0 and at most 1")
        self.labels = [c for c in range(self.classes) if c != options.background_label_id]
        if not self.labels:
            self.fail("has no class besides the background")
        has = options.HasField("confidence_threshold")
        self.threshold = options.confidence_threshold if has else LOWEST
        top_k = options.nms_param.top_k if options.nms_param.HasField("top_k") else -1
        #: How many boxes of a class go into the suppression, and how many of a picture come out.
        self.candidates = min(top_k, self.count) if top_k > -1 else self.count
        whole = self.candidates * len(self.labels)
        self.kept = min(options.keep_top_k, whole) if options.keep_top_k > -1 else whole

    def tops(self) -> list[Shape]:
        return [(1, 1, 1, 7)]

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        boxes, scores = self._decoded(bottoms), bottoms[1].reshape(-1, self.count, self.classes)
        rows = []
        for index, (places, confidences) in enumerate(
            zip(boxes.cpu().numpy(), scores.detach().cpu().numpy(), strict=True)
        ):
            rows += self._found(index, places, confidences)
        if not rows:
            rows = [[float(index)] + [-1.0] * 6 for index in range(len(scores))]
        return [bottoms[0].new_tensor(np.array(rows)).reshape(1, 1, -1, 7)]

    def _decoded(self, bottoms: list[torch.Tensor]) -> torch.Tensor:
        """Boxes, N x boxes x places x 4, as parts of the picture."""
        import torch

        options = self.param.detection_output_param
        location = bottoms[0].detach().reshape(-1, self.count, self.places, 4)
        prior, variance = bottoms[2].detach().reshape(2, self.count, 1, 4)
        if not options.variance_encoded_in_target:
            location = location * variance
        if options.code_type == CORNER:
            corners: torch.Tensor = prior + location
            return corners
        low, high = prior[..., :2], prior[..., 2:]
        size = high - low
        if options.code_type != CENTER_SIZE:
            scaled: torch.Tensor = prior + location * torch.cat([size, size], -1)
            return scaled
        centre = (low + high) / 2 + location[..., :2] * size
        half = location[..., 2:].exp() * size / 2
        return torch.cat([centre - half, centre + half], -1)

    def _found(self, index: int, boxes: Array, scores: Array) -> list[list[float]]:
        """Rows of one picture, from boxes (boxes x places x 4) and scores (boxes x classes)."""
        found: list[tuple[int, int]] = []
        for label in self.labels:
            places = boxes[:, 0 if self.places == 1 else label]
            found += [(label, box) for box in self._suppressed(places, scores[:, label])]
        if len(found) > self.kept:
            confidences = np.array([scores[box, label] for label, box in found])
            best = np.argsort(-confidences, kind="stable")[: self.kept]
            found = [found[position] for position in sorted(best)]
        return [
            [index, label, scores[box, label], *boxes[box, 0 if self.places == 1 else label]]
            for label, box in found
        ]

    def _suppressed(self, boxes: Array, scores: Array) -> list[int]:
        """Numbers of one class's boxes, best first, without those that overlap a better one."""
        options = self.param.detection_output_param.nms_param
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > self.threshold][: self.candidates]
        kept: list[int] = []
        threshold = options.nms_threshold
        for box in order:
            if not kept or overlaps(boxes[box], boxes[kept]).max() <= threshold:
                kept.append(int(box))
                if options.eta < 1 and threshold > 0.5:
                    threshold *= options.eta
        return kept

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        if self.param.detection_output_param.nms_param.eta < 1:
            self.fail("eta below 1 cannot be written to ONNX")
        if not self.candidates or not self.kept:
            self.fail("top_k 0 and keep_top_k 0 cannot be written to ONNX")
        name = self.param.name
        values, boxes = self._candidates(graph, bottoms)
        chosen, values, boxes = self._or_none(graph, self._chosen(graph, values, boxes), values, boxes)
        pairs = graph.apply("NonZero", [chosen], f"{name}/nonzero")
        pairs = graph.apply("Transpose", [pairs], f"{name}/pairs")
        picture, position = graph.fresh(f"{name}/picture"), graph.fresh(f"{name}/position")
        sizes = graph.constant(f"{name}/columns", np.array([1, 1]))
        graph.node("Split", [pairs, sizes], [picture, position], {"axis": 1})
        position = graph.reshape(position, [-1], graph.fresh(f"{name}/positions"))
        labels = np.array([*np.repeat(self.labels, self.candidates), -1], np.float32)[:, None]
        score = graph.apply("GatherND", [values, pairs], f"{name}/score")
        columns = [
            graph.to_float(picture, graph.fresh(f"{name}/number")),
            graph.apply(
                "Gather", [graph.constant(f"{name}/labels", labels), position], f"{name}/label"
            ),
            graph.reshape(score, [-1, 1], graph.fresh(f"{name}/score_column")),
            graph.apply("GatherND", [boxes, pairs], f"{name}/box"),
        ]
        graph.declare(tops[0], [1, 1, "found", 7])
        graph.reshape(
            graph.apply("Concat", columns, f"{name}/rows", {"axis": 1}), [1, 1, -1, 7], tops[0]
        )

    def _candidates(self, graph: OnnxGraph, bottoms: list[str]) -> tuple[str, str]:
        """The best scores, N x labels x candidates, and their boxes, N x labels x candidates x 4."""
        name, labels = self.param.name, len(self.labels)
        numbers = graph.constant(f"{name}/numbers", np.array(self.labels))
        shape = [-1, self.count, self.classes]
        scores = graph.reshape(bottoms[1], shape, graph.fresh(f"{name}/scores"))
        scores = graph.apply("Transpose", [scores], f"{name}/by_class", {"perm": (0, 2, 1)})
        scores = graph.apply("Gather", [scores, numbers], f"{name}/of_labels", {"axis": 1})
        count = graph.constant(f"{name}/top_k", np.array([self.candidates]))
        values, places = graph.fresh(f"{name}/values"), graph.fresh(f"{name}/places")
        graph.node("TopK", [scores, count], [values, places], {"axis": 2})
        boxes = self._boxes(graph, bottoms)
        boxes = graph.apply("Transpose", [boxes], f"{name}/by_place", {"perm": (0, 2, 1, 3)})
        if self.places > 1:
            boxes = graph.apply("Gather", [boxes, numbers], f"{name}/boxes_of_labels", {"axis": 1})
        elif labels > 1:
            spread = graph.constant(f"{name}/spread", np.array([1, labels, 1, 1]))
            boxes = graph.apply("Expand", [boxes, spread], f"{name}/boxes_for_labels")
        places = graph.reshape(
            places, [-1, labels, self.candidates, 1], graph.fresh(f"{name}/place_columns")
        )
        four = graph.constant(f"{name}/four", np.array([1, 1, 1, 4]))
        places = graph.apply("Expand", [places, four], f"{name}/place_rows")
        return values, graph.apply("GatherElements", [boxes, places], f"{name}/best", {"axis": 2})

    def _boxes(self, graph: OnnxGraph, bottoms: list[str]) -> str:
        """What `_decoded` computes."""
        name, options = self.param.name, self.param.detection_output_param
        shape = [-1, self.count, self.places, 4]
        location = graph.reshape(bottoms[0], shape, graph.fresh(f"{name}/location"))
        halves = [graph.fresh(f"{name}/{field}") for field in ("prior", "variance")]
        one = graph.constant(f"{name}/one", np.array([1, 1]))
        graph.node("Split", [bottoms[2], one], halves, {"axis": 1})
        prior, variance = (
            graph.reshape(half, [1, self.count, 1, 4], graph.fresh(f"{half}_rows")) for half in halves
        )
        if not options.variance_encoded_in_target:
            location = graph.apply("Mul", [location, variance], f"{name}/varied")
        if options.code_type == CORNER:
            return graph.apply("Add", [prior, location], f"{name}/boxes")
        low, high = self._halves(graph, prior)
        size = graph.apply("Sub", [high, low], f"{name}/size")
        if options.code_type != CENTER_SIZE:
            both = graph.apply("Concat", [size, size], f"{name}/sizes", {"axis": 3})
            location = graph.apply("Mul", [location, both], f"{name}/scaled")
            return graph.apply("Add", [prior, location], f"{name}/boxes")
        shift, growth = self._halves(graph, location)
        two = graph.number(f"{name}/two", 2)
        middle = graph.apply(
            "Div", [graph.apply("Add", [low, high], f"{name}/sum"), two], f"{name}/middle"
        )
        shift = graph.apply("Mul", [shift, size], f"{name}/shift")
        centre = graph.apply("Add", [middle, shift], f"{name}/centre")
        growth = graph.apply("Exp", [growth], f"{name}/growth")
        half = graph.apply(
            "Div", [graph.apply("Mul", [growth, size], f"{name}/whole"), two], f"{name}/half"
        )
        corners = [
            graph.apply(operator, [centre, half], f"{name}/corner") for operator in ("Sub", "Add")
        ]
        return graph.apply("Concat", corners, f"{name}/boxes", {"axis": 3})

    def _halves(self, graph: OnnxGraph, source: str, axis: int = 3, size: int = 2) -> tuple[str, str]:
        """The first `size` along an axis, and as many behind."""
        halves = graph.fresh(f"{source}/low"), graph.fresh(f"{source}/high")
        sizes = graph.constant(f"{source}/halves", np.array([size, size]))
        graph.node("Split", [source, sizes], halves, {"axis": axis})
        return halves

    def _chosen(self, graph: OnnxGraph, values: str, boxes: str) -> str:
        """1 for every candidate that is kept, else 0: N x (labels * candidates).

        Every class of every picture is a batch of its own for NonMaxSuppression.
        """
        name, size = self.param.name, len(self.labels) * self.candidates
        limit = min(self.param.detection_output_param.nms_param.nms_threshold, 1)  # ONNX's range
        scores = graph.reshape(values, [-1, 1, self.candidates], graph.fresh(f"{name}/score_rows"))
        # The candidates' order instead of their scores, as OpenCV takes none below 0.
        order = np.arange(self.candidates, 0.0, -1.0) / self.candidates
        enough = graph.number(f"{name}/confidence_threshold", self.threshold)
        enough = graph.apply("Greater", [scores, enough], f"{name}/is_enough")
        enough = graph.to_float(enough, graph.fresh(f"{name}/enough"))
        order_name = graph.constant(f"{name}/order", order[None, None])
        inputs = [
            self._solid(graph, boxes),
            graph.apply("Mul", [enough, order_name], f"{name}/ranks"),
            graph.constant(f"{name}/most", np.array([self.candidates])),
            graph.number(f"{name}/nms_threshold", limit),
            graph.number(f"{name}/least_rank", 0),
        ]
        found = graph.apply("NonMaxSuppression", inputs, f"{name}/found")
        # a 1 for each of them: its column of the only class, 0, plus 1
        second = graph.constant(f"{name}/second", np.array([1]))
        ones = graph.apply("Gather", [found, second], f"{name}/class_column", {"axis": 1})
        ones = graph.reshape(ones, [-1], graph.fresh(f"{name}/class"))
        ones = graph.to_float(ones, graph.fresh(f"{name}/zeros"))
        ones = graph.apply("Add", [ones, graph.number(f"{name}/one", 1)], f"{name}/ones")
        marks = graph.apply("ScatterND", [self._zeros(graph, scores), found, ones], f"{name}/marks")
        marks = graph.reshape(marks, [-1, size], graph.fresh(f"{name}/marked"))
        return marks if self.kept == size else self._best(graph, marks, values)

    def _solid(self, graph: OnnxGraph, boxes: str) -> str:
        """Boxes (batches x candidates x 4), those without an area far off, each at a place of its own.

        They overlap nothing in Caffe; ONNX turns them over, and for OpenCV two empty ones are the same.
        """
        name, far = self.param.name, 1e4 + 2 * np.arange(self.candidates)
        rows = graph.reshape(boxes, [-1, self.candidates, 4], graph.fresh(f"{name}/box_rows"))
        low, high = self._halves(graph, rows, 2)
        width, height = self._halves(graph, graph.apply("Sub", [high, low], f"{name}/extent"), 2, 1)
        least = graph.apply("Min", [width, height], f"{name}/least_extent")
        solid = graph.apply("Greater", [least, graph.number(f"{name}/flat", 0)], f"{name}/is_solid")
        places = graph.constant(f"{name}/far", np.stack([far, far, far + 1, far + 1], -1)[None])
        return graph.apply("Where", [solid, rows, places], f"{name}/solid")

    def _best(self, graph: OnnxGraph, marks: str, values: str) -> str:
        """1 for the best of a picture's marked candidates, else 0."""
        name = self.param.name
        lowest, zero = graph.number(f"{name}/lowest", LOWEST), graph.number(f"{name}/no_mark", 0)
        flat = graph.reshape(
            values, [-1, len(self.labels) * self.candidates], graph.fresh(f"{name}/all")
        )
        marked = graph.apply("Greater", [marks, zero], f"{name}/is_marked")
        ranked = graph.apply("Where", [marked, flat, lowest], f"{name}/ranked")
        count = graph.constant(f"{name}/keep_top_k", np.array([self.kept]))
        best, places = graph.fresh(f"{name}/best_scores"), graph.fresh(f"{name}/best_places")
        graph.node("TopK", [ranked, count], [best, places], {"axis": 1})
        real = graph.apply("Greater", [best, lowest], f"{name}/real")
        real = graph.to_float(real, graph.fresh(f"{name}/real_marks"))
        inputs = [self._zeros(graph, marks), places, real]
        return graph.apply("ScatterElements", inputs, f"{name}/best_marks", {"axis": 1})

    def _or_none(self, graph: OnnxGraph, chosen: str, values: str, boxes: str) -> tuple[str, str, str]:
        """Marks, scores and boxes (N x candidates) with one candidate more, -1 throughout.

        It is marked in every picture if nothing else is in any.
        """
        name, size = self.param.name, len(self.labels) * self.candidates
        axis = graph.constant(f"{name}/first_axis", np.array([0]))
        total = graph.reshape(chosen, [-1], graph.fresh(f"{name}/all_marks"))
        total = graph.apply("ReduceSum", [total, axis], f"{name}/count", {"keepdims": 1})
        none = graph.apply("Less", [total, graph.number(f"{name}/half_a_box", 0.5)], f"{name}/is_none")
        none = graph.to_float(none, graph.fresh(f"{name}/none"))
        column = graph.apply("Gather", [chosen, axis], f"{name}/column", {"axis": 1})
        column = self._zeros(graph, column)
        minus = graph.apply("Sub", [column, graph.number(f"{name}/minus", 1)], f"{name}/minus_one")
        corner = graph.reshape(minus, [-1, 1, 1], graph.fresh(f"{name}/minus_corner"))
        values = graph.reshape(values, [-1, size], graph.fresh(f"{name}/flat_scores"))
        boxes = graph.reshape(boxes, [-1, size, 4], graph.fresh(f"{name}/flat_boxes"))
        box = graph.apply("Concat", [corner] * 4, f"{name}/minus_box", {"axis": 2})
        column = graph.apply("Add", [column, none], f"{name}/none_column")
        return (
            graph.apply("Concat", [chosen, column], f"{name}/marks_or_none", {"axis": 1}),
            graph.apply("Concat", [values, minus], f"{name}/scores_or_none", {"axis": 1}),
            graph.apply("Concat", [boxes, box], f"{name}/boxes_or_none", {"axis": 1}),
        )

    def _zeros(self, graph: OnnxGraph, like: str) -> str:
        """Zeros in the shape of another value."""
        zero = graph.number(f"{self.param.name}/factor_0", 0)
        return graph.apply("Mul", [like, zero], f"{self.param.name}/blank")

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        options = param.detection_output_param
        known = options.code_type in (CORNER, CENTER_SIZE) and not options.variance_encoded_in_target
        if not known or options.background_label_id == -1 or not options.nms_param.nms_threshold:
            return None
        # OpenCV has no defaults, or others.
        options.ClearField("save_output_param")
        for field in (
            "num_classes",
            "share_location",
            "background_label_id",
            "code_type",
            "keep_top_k",
        ):
            setattr(options, field, getattr(options, field))
        options.variance_encoded_in_target = options.variance_encoded_in_target
        options.confidence_threshold = self.threshold
        nms = options.nms_param
        nms.nms_threshold, nms.eta = nms.nms_threshold, nms.eta
        nms.top_k, options.keep_top_k = self.candidates, self.kept
        return [param]


def overlaps(box: Array, others: Array) -> NDArray[np.floating]:
    """Area common to `box` (4) and each of `others` (n x 4), by the area of both."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), 1)
    areas = [np.prod(np.maximum(each[..., 2:] - each[..., :2], 0), -1) for each in (box, others)]
    union = areas[0] + areas[1] - common
    shares: NDArray[np.floating] = np.zeros_like(common)
    np.divide(common, union, out=shares, where=common > 0)
    return shares
