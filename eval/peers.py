"""Other finders of five points (layout celeba5), measured on the same pictures by the same code.

All are optional. One that is not installed, or has no model file, is left out by name. They place their
points by conventions of their own, so small differences between them are no ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from protoface.cascade.layouts import DEFAULT, find_layout
from protoface.cascade.windows.window import Image
from protoface.converters.errors import ProtofaceError

from .datasets.dataset import Dataset
from .evaluation import Finder, Floats, Found, Measured, Progress, evaluate

#: Five points (5, 2) of one picture in pixels, or None.
FindOne = Callable[[Image], Floats | None]


class AbsentError(Exception):
    """A peer that cannot run here; the message says what it lacks."""


@dataclass(frozen=True)
class Peer:
    """Another finder: how it is opened (model file or None), where its version is, its licence.

    No package stands for OpenCV itself.
    """

    open: Callable[[Path | None], FindOne]
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
            find = peer.open(model)
        except AbsentError as reason:
            absent.append(f"{name}: {reason}")
        else:
            finders[f"{name} {_version(peer.packages)} ({peer.licence})"] = _finder(find)
    return finders, absent


def evaluate_peer(finder: Finder, dataset: Dataset, progress: Progress = iter) -> Measured:
    """`evaluate` for a peer: on the five points that the set's can be converted to.

    Raises ProtofaceError if they cannot.
    """
    return evaluate(finder, dataset.as_layout(find_layout(DEFAULT)), progress)


def _finder(find: FindOne) -> Finder:
    def find_all(images: Sequence[Image]) -> list[Found | None]:
        points = [find(image) for image in images]
        return [None if one is None else Found((one,), (float("nan"),)) for one in points]

    return find_all


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


def _yunet(model: Path | None) -> FindOne:
    """OpenCV's YuNet: eye centres, nose tip, mouth corners, in image order already; largest face."""
    if model is None:
        raise AbsentError("no model file; give yunet=face_detection_yunet.onnx of OpenCV's model zoo")
    detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score_threshold=0.6)

    def find(image: Image) -> Floats | None:
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, faces = detector.detect(image)
        if faces is None:
            return None
        rows = np.asarray(faces, np.float64)
        return rows[(rows[:, 2] * rows[:, 3]).argmax(), 4:14].reshape(5, 2)

    return find


def _dlib(model: Path | None) -> FindOne:
    """Dlib's HOG detector and 68-point predictor, five points as converted from 68; largest face."""
    _need("dlib", "dlib")
    import dlib

    path = model or _packaged_dlib_model()
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))

    def find(image: Image) -> Floats | None:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        faces = detector(rgb, 1)
        if not faces:
            return None
        face = max(faces, key=lambda rectangle: rectangle.area())
        parts = predictor(rgb, face).parts()
        points = np.array([(part.x, part.y) for part in parts], np.float64)
        return find_layout("ibug68").convert(points, find_layout(DEFAULT))

    return find


def _packaged_dlib_model() -> Path:
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise AbsentError(
            "no model file; give dlib=shape_predictor_68_face_landmarks.dat, or pip install "
            "face_recognition_models"
        )
    return Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"


def _mediapipe(model: Path | None) -> FindOne:
    """MediaPipe's face mesh; eyes are the middle between their corners. Its only face."""
    _need("mediapipe", "mediapipe")
    import mediapipe

    if not hasattr(mediapipe, "solutions"):
        raise AbsentError(f"mediapipe {mediapipe.__version__} brings no model; 0.10.21 does")
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1)

    def find(image: Image) -> Floats | None:
        faces = mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if not faces:
            return None
        size = np.array(image.shape[1::-1], np.float64)
        points = np.array([(point.x, point.y) for point in faces[0].landmark]) * size
        # numbers of the canonical face mesh: eye corners, tip of the nose, corners of the mouth
        left, right = points[[33, 133]].mean(axis=0), points[[362, 263]].mean(axis=0)
        return np.stack([left, right, points[1], points[61], points[291]])

    return find


def _facenet(model: Path | None) -> FindOne:
    """MTCNN of facenet-pytorch, its five points in image order already; largest face."""
    _need("facenet_pytorch", "facenet-pytorch")
    _need("torchvision", "torchvision")
    from facenet_pytorch import MTCNN

    network = MTCNN(keep_all=True, device="cpu")

    def find(image: Image) -> Floats | None:
        boxes, _, points = network.detect(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), landmarks=True)
        if boxes is None:
            return None
        sides = boxes[:, 2:] - boxes[:, :2]
        return np.asarray(points[sides.prod(axis=1).argmax()], np.float64)

    return find


PEERS: dict[str, Peer] = {
    "yunet": Peer(_yunet, (), "MIT"),
    "mediapipe": Peer(_mediapipe, ("mediapipe",), "Apache-2.0"),
    "dlib": Peer(
        _dlib, ("dlib", "dlib-bin"), "BSL-1.0; its model, trained on 300-W, not for commercial use"
    ),
    "facenet": Peer(_facenet, ("facenet-pytorch",), "MIT"),
}
