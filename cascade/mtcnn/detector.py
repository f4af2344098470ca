"""facenet-pytorch's class MTCNN on a cascade: its arguments, its methods, numbers instead of None."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from protoface.converters.errors import ProtofaceError
from protoface.converters.files import PathLike
from protoface.converters.graph import Net

from .. import cascade_pb2
from ..backends.choice import AUTO
from ..cascade import Cascade
from ..face import Face
from ..windows.window import Floats
from .given_pictures import Given, is_batch, paths_for, pictures
from .selection import Faces, areas, best, check_method, descending
from .square_crops import check_sizes, save_crop, square_crop, standardized
from .weight_files import find_files, loaded_nets, mtcnn_definition, read_three

#: The package whose weights are taken where none are given.
FACENET_PYTORCH = "facenet_pytorch"
#: Pictures that the nets look at together, and pixels of them.
TOGETHER, PIXELS = 16, 16_000_000
#: Boxes, scores and points of a picture without faces.
_NONE = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)


class MTCNN:
    """Finds all faces of pictures; what facenet-pytorch's class of this name does, with its arguments.

    `image_size`, `margin`: pixels of faces that are cut out, see `extract`. `min_face_size`: side in
    pixels of the smallest face to find. `thresholds` of P-, R- and O-Net, 0 to 1. `factor` between the
    sizes in which P-Net sees the picture. `post_process`: faces that are cut out are (x - 127.5) / 128
    instead of 0 to 255. `select_largest`: faces are in the order of their areas, else of their
    probabilities. `selection_method`: which face counts without `keep_all`, a key of `METHODS`; None:
    the first one. `device`: "cpu" or "cuda"; what is returned is on the CPU.

    `weights`: a folder with pnet, rnet and onet (.pt or .caffemodel) or det1 to det3.caffemodel, or the
    three files; None: those of an installed facenet-pytorch. `mode`: `faithful` repeats its rounding
    and resampling, `clean` resamples better and is faster. `backend`, `threads`: as in `load`. Raises
    ProtofaceError for what cannot be. More in docs/mtcnn.md.
    """

    def __init__(
        self,
        image_size: int = 160,
        margin: float = 0,
        min_face_size: float = 20,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
        post_process: bool = True,
        select_largest: bool = True,
        selection_method: str | None = None,
        keep_all: bool = False,
        device: Any = None,
        *,
        weights: PathLike | Sequence[PathLike] | None = None,
        mode: str = "faithful",
        backend: str = AUTO,
        threads: int | None = None,
    ) -> None:
        check_sizes(image_size, margin)
        self.image_size, self.margin = int(image_size), margin
        self.min_face_size, self.thresholds, self.factor = min_face_size, list(thresholds), factor
        self.post_process, self.select_largest, self.keep_all = post_process, select_largest, keep_all
        default = "largest" if select_largest else "probability"
        self.selection_method = check_method(selection_method or default)
        self.mode, self.backend, self.threads = mode, backend, threads
        self.weights = [os.path.abspath(path) for path in _files(weights)]
        self._made: dict[object, Cascade] = {}
        self.to("cpu" if device is None else device)
        self.cascade  # what is wrong is said at once  # noqa: B018

    @cached_property
    def _nets(self) -> list[Net]:
        return loaded_nets(read_three(self.weights))

    @property
    def cascade(self) -> Cascade:
        """The cascade of the arguments as they are now. Raises ProtofaceError for bad ones."""
        backend = _backend(self.backend, self.device)
        key = (*self.thresholds, self.min_face_size, self.factor, backend, self.mode)
        if key not in self._made:
            definition = defined(self.min_face_size, self.thresholds, self.factor)
            self._made = {key: Cascade(definition, self._nets, backend, self.mode, self.threads)}
        return self._made[key]

    def __getstate__(self) -> dict[str, Any]:
        """Copies read the weights again."""
        return {name: value for name, value in vars(self).items() if name != "_nets"} | {"_made": {}}

    def to(self, device: Any) -> MTCNN:
        """Let the nets run on a device, "cpu" or "cuda". Raises ProtofaceError for another one."""
        _backend(self.backend, device)
        self.device = device
        return self

    def eval(self) -> MTCNN:
        """Nothing: the nets are not trained here."""
        return self

    def detect(self, img: Any, landmarks: bool = False) -> tuple[Any, ...]:
        """Boxes (n, 4) x1, y1, x2, y2, probabilities (n) and, with `landmarks`, points (n, 5, 2).

        All are float32 and places in pixels; n is 0 where no face is found. `img` is a PIL picture of
        any mode, an array or tensor H x W x 3 or 3 x H x W in RGB (0 to 255, or floats of at most 1),
        H x W in grey, or for several pictures a list of these, of any sizes, or an array of four axes;
        then each result is a list with an entry for each picture. Raises ProtofaceError for anything
        else.
        """
        found = self._found(pictures(img))
        results = tuple(map(list, zip(*found, strict=True))) if found else ([], [], [])
        if not is_batch(img):
            results = tuple(one[0] for one in results)
        return results if landmarks else results[:2]

    def forward(self, img: Any, save_path: Any = None, return_prob: bool = False) -> Any:
        """Cut out faces, see `extract`; with `return_prob` a tuple of them and their probabilities.

        A probability is a float, NaN where no face is found; with `keep_all` they are an array (n). For
        several pictures there is a list of arrays. `save_path` is a file, for several pictures a list.
        """
        boxes, probs, points = self.detect(img, landmarks=True)
        if not self.keep_all:
            boxes, probs, points = self.select_boxes(
                boxes, probs, points, img, method=self.selection_method
            )
        faces = self.extract(img, boxes, save_path)
        return (faces, probs) if return_prob else faces

    __call__ = forward

    def select_boxes(
        self,
        all_boxes: Any,
        all_probs: Any,
        all_points: Any,
        imgs: Any,
        method: str = "probability",
        threshold: float = 0.9,
        center_weight: float = 2.0,
    ) -> tuple[Any, Any, Any]:
        """The best face of each picture: boxes (1, 4), its probability, points (1, 5, 2).

        For several pictures lists of boxes, of probabilities (1) and of points. Where no face counts it
        is 0 instead of 1, and the probability of a single picture NaN. `method`: `largest`,
        `probability`, `largest_over_threshold` (the largest with a probability above `threshold`) or
        `center_weighted_size` (area minus `center_weight` times the squared distance from the centre of
        the picture). Raises ProtofaceError for another one.
        """
        check_method(method)
        given = pictures(imgs)
        lists = [found if is_batch(imgs) else [found] for found in (all_boxes, all_probs, all_points)]
        chosen = []
        for one, *found in _each(given, *lists):
            boxes, probs, points = map(_numbers, found, _NONE)
            index = best(Faces(boxes, probs, one.size, threshold, center_weight), method)
            chosen.append((boxes[index], probs[index], points[index]))
        if is_batch(imgs):
            selected = tuple(map(list, zip(*chosen, strict=True))) if chosen else ([], [], [])
            return selected  # type: ignore[return-value]
        boxes, probs, points = chosen[0]
        return boxes, float(probs[0]) if len(probs) else math.nan, points

    def extract(self, img: Any, batch_boxes: Any, save_path: Any = None) -> Any:
        """Faces cut out of boxes: a tensor (3, image_size, image_size) of the first one, float32.

        With `keep_all` (n, 3, image_size, image_size) of all of them. Without a box it is
        (0, 3, image_size, image_size). For several pictures a list. With `save_path` faces are written
        as they are before `post_process`; further ones of a picture get names with _2, _3 and so on.
        """
        check_sizes(self.image_size, self.margin)
        given, batch = pictures(img), is_batch(img)
        paths = paths_for(save_path, len(given), batch)
        faces = [
            self._extracted(one, _numbers(boxes, _NONE[0]), path)
            for one, boxes, path in _each(given, batch_boxes if batch else [batch_boxes], paths)
        ]
        return faces if batch else faces[0]

    def _extracted(self, given: Given, boxes: Floats, path: PathLike | None) -> Any:
        import torch

        crops = []
        for number, box in enumerate(boxes if self.keep_all else boxes[:1]):
            crop = square_crop(given, box, self.image_size, self.margin)
            if path is not None:
                save_crop(path, number, crop)
            crops.append(standardized(crop, self.post_process))
        if not crops:
            return torch.zeros(0, 3, self.image_size, self.image_size)
        return torch.stack(crops) if self.keep_all else crops[0]

    def _found(self, given: Sequence[Given]) -> list[tuple[Floats, Floats, Floats]]:
        """Boxes, probabilities and points of each picture, in the order of this class."""
        cascade, found = self.cascade, []
        for group in _groups(given):
            for faces in cascade.detect_batch([one.bgr for one in group]):
                found.append(self._ordered(*as_arrays(faces)))
        return found

    def _ordered(self, boxes: Floats, probs: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
        order = descending(areas(boxes) if self.select_largest else probs)
        return boxes[order], probs[order], points[order]


def defined(
    min_face_size: float, thresholds: Sequence[float], factor: float
) -> cascade_pb2.CascadeParameter:
    """The cascade of facenet-pytorch's arguments. Raises ProtofaceError for bad ones."""
    if not 1 <= min_face_size < math.inf:
        raise ProtofaceError(f"min_face_size is {min_face_size:g}, it must be 1 pixel or more")
    if len(thresholds) != 3 or not all(0 <= one <= 1 for one in thresholds):
        raise ProtofaceError(f"thresholds are {list(thresholds)}; give three numbers of 0 to 1")
    if not 0 < factor < 1:
        raise ProtofaceError(f"factor is {factor:g}, it must be above 0 and below 1")
    definition = mtcnn_definition()
    picture = definition.stage[0].window.picture
    picture.least_face, picture.factor = min_face_size, factor
    for stage, threshold in zip(definition.stage, thresholds, strict=True):
        stage.keep.score = threshold
    return definition


def as_arrays(faces: Sequence[Face]) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4) x1, y1, x2, y2, scores (n) and points (n, 5, 2), float32."""
    if not faces:
        return _NONE
    boxes = np.array([face.box for face in faces])
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([face.score for face in faces], np.float32)
    return boxes.astype(np.float32), scores, np.stack([face.points for face in faces])


def _backend(backend: str, device: Any) -> str:
    """What runs the nets on a device: a backend that is named wins."""
    kind = str(device).partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ProtofaceError(f"device '{device}' is unknown; there are cpu and cuda")
    return "torch-cuda" if kind == "cuda" and backend == AUTO else backend


def _files(weights: PathLike | Sequence[PathLike] | None) -> list[Path]:
    """The three files; see MTCNN."""
    if weights is None:
        return find_files(_installed())
    if isinstance(weights, str | os.PathLike):
        return find_files(weights)
    return [Path(path) for path in weights]


def _installed() -> Path:
    """The folder of facenet-pytorch, which is not imported: it needs torchvision."""
    found = importlib.util.find_spec(FACENET_PYTORCH)
    if found is None or not found.submodule_search_locations:
        raise ProtofaceError(
            "MTCNN needs weights: a folder with pnet, rnet and onet (.pt or .caffemodel) or det1 to "
            "det3.caffemodel; facenet-pytorch, whose weights are the default, is not installed"
        )
    return Path(found.submodule_search_locations[0]) / "data"


def _groups(given: Sequence[Given]) -> Iterator[list[Given]]:
    """Pictures that are looked at together: their memory is bounded."""
    group: list[Given] = []
    for one in given:
        group.append(one)
        if len(group) == TOGETHER or sum(each.image.size for each in group) > 3 * PIXELS:
            yield group
            group = []
    if group:
        yield group


def _numbers(values: Any, none: Floats) -> Floats:
    """What a user hands back, float32; None, as facenet-pytorch has it, is nothing."""
    if values is None or (len(values) and values[0] is None):
        return none
    return np.asarray(values, np.float32).reshape(-1, *none.shape[1:])


def _each(given: Sequence[Given], *lists: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Pictures with their entries of lists. Raises ProtofaceError unless there is one for each."""
    for one in lists:
        if one is None or len(one) != len(given):
            held = 0 if one is None else len(one)
            raise ProtofaceError(f"{held} results for {len(given)} pictures; give one for each")
    return zip(given, *lists, strict=True)
