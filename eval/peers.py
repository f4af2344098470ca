"""Other finders of faces with five points (layout celeba5), measured on the same pictures.

All are optional. One that is not installed, or has no model file, is left out by name. They place their
points by conventions of their own, so small differences between them are no ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from protoface.cascade.face import Face, bounds
from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.windows.window import Image
from protoface.converters.errors import ProtofaceError

from .datasets.dataset import Dataset
from .evaluation import Floats, Measured, evaluate
from .finders import Finder, Progress
from .stand_ins import batched_nms, standing_in

#: The faces of one picture.
FindFaces = Callable[[Image], list[Face]]


class AbsentError(Exception):
    """A peer that cannot run here; the message says what it lacks."""


@dataclass(frozen=True)
class Opened:
    """A peer that can run; `note` says what is not as it comes."""

    find: FindFaces
    note: str = ""


@dataclass(frozen=True)
class Peer:
    """Another finder: how it is opened (model file or None), where its version is, its licence.

    No package stands for OpenCV itself.
    """

    open: Callable[[Path | None], Opened]
    packages: tuple[str, ...]
    licence: str


def open_peers(wanted: Iterable[str]) -> tuple[dict[str, Finder], list[str]]:
    """The wanted peers as finders by `name version (licence)`, and a line for each that is left out.

    Each is `NAME`, `NAME=MODEL_FILE`, or `all`. Raises ProtofaceError for an unknown name, and for a
    model file that is not there.
    """
    files: dict[str, Path | None] = {}
    for text in wanted:
        name, _, file = text.partition("=")
        if name == "all":
            files = {**dict.fromkeys(PEERS), **files}
        elif name not in PEERS:
            raise ProtofaceError(f"peer '{name}' is unknown; there are all, {', '.join(PEERS)}")
        elif file and not Path(file).is_file():
            raise ProtofaceError(f"{file}: no such model file for the peer '{name}'")
        else:
            files[name] = Path(file) if file else None
    finders: dict[str, Finder] = {}
    absent: list[str] = []
    for name, model in files.items():
        peer = PEERS[name]
        try:
            opened = peer.open(model)
        except AbsentError as reason:
            absent.append(f"{name}: {reason}")
        else:
            said = "; ".join(filter(None, (peer.licence, opened.note)))
            finders[f"{name} {_version(peer.packages)} ({said})"] = _finder(opened.find)
    return finders, absent


def evaluate_peer(finder: Finder, dataset: Dataset, progress: Progress = iter) -> Measured:
    """`evaluate` for a peer: on the five points that the set's can be converted to.

    Raises ProtofaceError if they cannot.
    """
    return evaluate(finder, dataset.as_layout(find_layout(DEFAULT)), progress)


def _finder(find: FindFaces) -> Finder:
    return lambda images: [find(image) for image in images]


def face_of(points: Floats, box: Floats | None = None, score: float = float("nan")) -> Face:
    """A peer's face: its points (5, 2), its box (4) of x, y, width, height, else that of the points."""
    box = bounds(points) if box is None else np.asarray(box, np.float64)  # type: ignore[arg-type]
    return Face(box, score, points, (points,))  # type: ignore[arg-type]


def _version(packages: Sequence[str]) -> str:
    for package in packages:  # the same module comes from packages of several names
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return str(cv2.__version__)


def _need(module: str, package: str) -> None:
    if not find_spec(module):
        raise AbsentError(f"not installed (pip install {package})")


#: YuNet's candidates with a lower score are dropped; average precision needs those of low scores too.
YUNET_SCORE = 0.3


def _yunet(model: Path | None) -> Opened:
    """OpenCV's YuNet: eye centres, nose tip, mouth corners, in image order already."""
    if model is None:
        raise AbsentError("no model file; give yunet=face_detection_yunet.onnx of OpenCV's model zoo")
    try:
        detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), YUNET_SCORE)
    except cv2.error as error:
        raise ProtofaceError(f"{model}: OpenCV cannot load it as YuNet ({_line(error)})") from error

    def find(image: Image) -> list[Face]:
        detector.setInputSize((image.shape[1], image.shape[0]))
        try:
            _, faces = detector.detect(image)
        except cv2.error as error:
            size = f"{image.shape[1]} x {image.shape[0]}"
            raise ProtofaceError(f"{model}: OpenCV fails at {size} pixels ({_line(error)})") from error
        rows = np.zeros((0, 15)) if faces is None else np.asarray(faces, np.float64)
        return [face_of(row[4:14].reshape(5, 2), row[:4], float(row[14])) for row in rows]

    return Opened(find)


def _line(error: cv2.error) -> str:
    return str(error).strip().splitlines()[0]


def _dlib(model: Path | None) -> Opened:
    """Dlib's HOG detector and 68-point predictor, five points as converted from 68."""
    _need("dlib", "dlib")
    import dlib

    path = model or _packaged_dlib_model()
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))

    def face(rgb: Image, box: dlib.rectangle, margin: float) -> Face:
        parts = predictor(rgb, box).parts()
        points = np.array([(part.x, part.y) for part in parts], np.float64)
        five = find_layout("ibug68").convert(points, find_layout(DEFAULT))
        sides = np.array([box.left(), box.top(), box.width(), box.height()], np.float64)
        # a margin of 0 and more, which is no probability: only its order means something
        return face_of(five, sides, margin / (1 + margin))

    def find(image: Image) -> list[Face]:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        boxes, margins, _ = detector.run(rgb, 1, 0.0)
        return [face(rgb, box, margin) for box, margin in zip(boxes, margins, strict=True)]  # type: ignore[arg-type]

    return Opened(find)


def _packaged_dlib_model() -> Path:
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise AbsentError(
            "no model file; give dlib=shape_predictor_68_face_landmarks.dat, or pip install "
            "face_recognition_models"
        )
    return Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"


def _mediapipe(model: Path | None) -> Opened:
    """MediaPipe's face mesh; eyes are the middle between their corners. Its only face, no score."""
    _need("mediapipe", "mediapipe")
    import mediapipe

    if not hasattr(mediapipe, "solutions"):
        raise AbsentError(f"mediapipe {mediapipe.__version__} brings no model; 0.10.21 does")
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1)

    def find(image: Image) -> list[Face]:
        faces = mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if not faces:
            return []
        size = np.array(image.shape[1::-1], np.float64)
        points = np.array([(point.x, point.y) for point in faces[0].landmark]) * size
        # numbers of the canonical face mesh: eye corners, tip of the nose, corners of the mouth
        left, right = points[[33, 133]].mean(axis=0), points[[362, 263]].mean(axis=0)
        five = np.stack([left, right, points[1], points[61], points[291]])
        return [face_of(five, bounds(points))]  # type: ignore[arg-type]

    return Opened(find)


#: facenet-pytorch's smallest face by default; a smaller picture makes it fail.
FACENET_LEAST = 20


def _facenet(model: Path | None) -> Opened:
    """MTCNN of facenet-pytorch with its own weights and defaults, on one thread.

    The package runs with current libraries if it is installed without its dependencies. What it imports
    for its recognition net alone (requests) is stood in for, and torchvision's suppression of
    overlapping boxes, all that MTCNN needs of it, is OpenCV's where torchvision is not installed.
    """
    _need("facenet_pytorch", "--no-deps facenet-pytorch")
    _need("PIL", "pillow")
    import torch

    network, note = _facenet_network()
    torch.set_num_threads(1)  # as everything else that is timed here

    def find(image: Image) -> list[Face]:
        if min(image.shape[:2]) < FACENET_LEAST:
            return []
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        corners, scores, points = network.detect(rgb, landmarks=True)
        if corners is None:
            return []
        boxes = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)
        rows = zip(points, boxes, scores, strict=True)
        return [face_of(np.asarray(five, np.float64), box, float(p)) for five, box, p in rows]

    return Opened(find, note)


def _facenet_network() -> tuple[Any, str]:
    """facenet-pytorch's MTCNN, and what stands in for a part of it."""
    requests = {"requests": {}, "requests.adapters": {"HTTPAdapter": object}}
    torchvision = {
        "torchvision": {},
        "torchvision.transforms": {},
        "torchvision.transforms.functional": {},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": batched_nms},
    }
    with standing_in(requests), standing_in(torchvision) as stands_in:
        try:
            from facenet_pytorch import MTCNN
        except (ImportError, RuntimeError) as error:  # torchvision of another torch raises the latter
            line = str(error).strip().splitlines()[0]
            raise AbsentError(f"cannot be imported ({line})") from error
    return MTCNN(keep_all=True, device="cpu"), "torchvision's NMS by OpenCV" if stands_in else ""


PEERS: dict[str, Peer] = {
    "yunet": Peer(_yunet, (), "MIT"),
    "mediapipe": Peer(_mediapipe, ("mediapipe",), "Apache-2.0"),
    "dlib": Peer(
        _dlib, ("dlib", "dlib-bin"), "BSL-1.0; its model, trained on 300-W, not for commercial use"
    ),
    "facenet": Peer(_facenet, ("facenet-pytorch",), "MIT"),
}
