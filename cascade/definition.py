"""Reading and checking `cascade.prototxt` and the nets that it names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from protoface import prototxt
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes
from protoface.converters.limits import check_finite
from protoface.converters.notices import notify
from protoface.converters.onnx_file import ONNX, OnnxFile, is_onnx
from protoface.converters.paths import anywhere, check_name, inside
from protoface.converters.prototxt import parse_message, read_text

from . import cascade_pb2
from .answers.answer_kind import AnswerKind, make_answers
from .keep import make_keep
from .layouts import Layout, layout_of
from .parts import check_parts
from .views.view_kind import ViewKind, make_views
from .windows import clean

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net

FILE = "cascade.prototxt"
#: The published experiment's. Its weights are not part of the package.
ORIGINAL = "original"
#: Cascades that come with the package: name -> file. Those of `models/` come with their weights.
NAMES = {
    **{path.parent.name: path for path in sorted(Path(__file__).parent.glob(f"models/*/{FILE}"))},
    ORIGINAL: Path(prototxt.__path__[0]) / FILE,
}
DEFAULT = "group"
#: What anybody's file may have: more would only take time.
MOST_STAGES, MOST_POINTS, MOST_FILES = 100, 2000, 1000
PathLike = str | os.PathLike[str]
#: A net with its weights: Caffe's, or an ONNX model.
Loaded: TypeAlias = "Net | ModelProto"
#: The same, or an ONNX file that the runtime reads by itself.
Runnable: TypeAlias = "Loaded | OnnxFile"
T = TypeVar("T")


def find_definition(name_or_path: PathLike, outside: bool = False) -> Path:
    """Path of a cascade's file: a name of NAMES, a `cascade.prototxt`, or a folder that holds one.

    `outside`: the folder's file may be a link that leaves it. Raises ProtofaceError.
    """
    if isinstance(name_or_path, str) and name_or_path in NAMES:
        return NAMES[name_or_path]
    path = Path(name_or_path)
    if path.is_dir():
        path = anywhere(path, FILE, f"{path}:") if outside else inside(path, FILE, f"{path}:")
    if not path.is_file():
        raise ProtofaceError(
            f"{name_or_path}: no such cascade; give a {FILE}, its folder, or one of {', '.join(NAMES)}"
        )
    return path


def read_definition(
    path: PathLike,
    outside: bool = False,
    root: PathLike | None = None,
    contents: dict[str, bytes] | None = None,
) -> cascade_pb2.CascadeParameter:
    """The cascade in a file, checked together with the files whose SHA-256 it lists.

    The files that it names lie in its folder, or in `root`, a folder around that; anywhere if the user
    trusts files `outside`, as those of the package are trusted. `contents` takes the ONNX files that it
    lists, by their names there: what was checked is what runs (`runnable_nets`). Raises ProtofaceError
    naming file and line, or file and stage, or the file that is another.
    """
    text, source = read_text(path), str(path)
    definition = parse_message(text, cascade_pb2.CascadeParameter(), source)
    _check_count(definition, path)
    layout = layout_of(definition, source)
    points, features = False, set[str]()
    for index, stage in enumerate(definition.stage):
        where = f"{path}: stage '{stage.name}'"
        points |= _check_stage(stage, index, layout, where, points, features)
    check_finite(definition, text, source)  # after the stages, which know more about theirs
    _check_names(definition, path)
    _check_paths(definition, Path(path), outside, root)
    for file in definition.file:
        content = _checked_file(Path(path).parent / file.path, file.sha256)
        if contents is not None and is_onnx(file.path):
            contents[file.path] = content
    return definition


def _check_count(definition: cascade_pb2.CascadeParameter, path: PathLike) -> None:
    if not definition.stage:
        raise ProtofaceError(f"{path}: has no stage")
    for count, what, most in (
        (len(definition.stage), "stages", MOST_STAGES),
        (len(definition.point), "points", MOST_POINTS),
        (len(definition.file), "files", MOST_FILES),
    ):
        if count > most:
            raise ProtofaceError(f"{path}: has {count:,} {what}; at most {most:,} are read")


def _check_names(definition: cascade_pb2.CascadeParameter, path: PathLike) -> None:
    """Names of stages become those of files."""
    for index, stage in enumerate(definition.stage):
        check_name(stage.name, f"{path}: stage number {index + 1}")


def _check_paths(
    definition: cascade_pb2.CascadeParameter, path: Path, outside: bool, root: PathLike | None
) -> None:
    """The files that a cascade names lie where they may."""
    named = [
        (getattr(stage, field), f"{path}: stage '{stage.name}': {field}")
        for stage in definition.stage
        for field in ("net", "weights", "onnx")
        if getattr(stage, field)
    ]
    named += [(file.path, f"{path}: file") for file in definition.file]
    for name, where in named:
        if outside or path in NAMES.values():
            anywhere(path.parent, name, where)
        else:
            inside(path.parent, name, where, root)


def _checked_file(path: Path, sha256: str) -> bytes:
    content = read_bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise ProtofaceError(
            f"{path}: is not the file that the cascade was packed with (its SHA-256 is {found[:12]}"
            f"..., not {sha256[:12]}...); install the package or copy the model again"
        )
    return content


def _check_stage(
    stage: cascade_pb2.StageParameter,
    index: int,
    layout: Layout,
    where: str,
    points: bool,
    features: set[str],
) -> bool:
    """Whether the stage finds points, or begins with some; `points`: one before it does.

    `features` are those that stages before it give; its own are added.
    """
    if not stage.name or bool(stage.net) == bool(stage.onnx):
        raise ProtofaceError(
            f"{where}: stage number {index + 1} needs a name, and either a net or an ONNX file"
        )
    views = make_views(stage, layout, clean, where)
    answers = make_answers(stage, layout, clean, where)
    check_parts(stage, views, answers, where)
    make_keep(stage, answers, clean, where)
    points |= views[0].begins
    if index == 0 and not points and any(view.needs_points for view in views):
        raise ProtofaceError(
            f"{where}: the first stage's window needs points, which only later stages have"
        )
    if not points and any(view.needs_points for view in views):
        raise ProtofaceError(f"{where}: its window needs points, which no stage before it finds")
    if not points and any(answer.needs_points for answer in answers):
        raise ProtofaceError(
            f"{where}: its points are relative to those before, which no stage finds; let its window "
            "start with the shape (similarity { start: true })"
        )
    _check_features(views, answers, features, where)
    if index and any(view.levels for view in views):
        raise ProtofaceError(f"{where}: a window with levels is that of the first stage")
    return points or any(answer.gives_points for answer in answers)


def _check_features(
    views: Sequence[ViewKind], answers: Sequence[AnswerKind], features: set[str], where: str
) -> None:
    """Raise for a view of a feature that is not among those of stages before; add the answers' own."""
    for view in views:
        if view.reads and view.reads not in features:
            known = ", ".join(sorted(features)) or "none"
            raise ProtofaceError(
                f"{where}: looks at feature '{view.reads}', stages before it answer {known}"
            )
    features.update(answer.gives_feature for answer in answers if answer.gives_feature)


def weight_files(
    definition: cascade_pb2.CascadeParameter, folder: Path, given: Sequence[PathLike] = ()
) -> list[Path]:
    """The weights of each stage: those given (one for each stage), else those the cascade names."""
    if not given:
        return [folder / (stage.onnx or stage.weights) for stage in definition.stage]
    if len(given) != len(definition.stage):
        raise ProtofaceError(
            f"{len(given)} weights for the {len(definition.stage)} stages of '{definition.name}': "
            f"{', '.join(stage.name for stage in definition.stage)}"
        )
    return [Path(path) for path in given]


def model_files(model: PathLike, weights: Sequence[Path] = (), outside: bool = False) -> list[Path]:
    """A cascade's text, nets, weights (its own, and those given) and the files that it lists.

    Only what is there; some are named twice. Raises ProtofaceError as `read_definition` does.
    """
    path = find_definition(model, outside)
    definition = read_definition(path, outside)
    named = [path, *weight_files(definition, path.parent, weights)]
    named += weight_files(definition, path.parent)
    named += [path.parent / stage.net for stage in definition.stage if stage.net]
    named += [path.parent / file.path for file in definition.file]
    return [file for file in named if file.is_file()]


def sharing(definition: cascade_pb2.CascadeParameter, files: Sequence[Path]) -> list[list[int]]:
    """The numbers of the stages, grouped by net and weights (`files`): stages in a group share them."""
    groups: dict[tuple[str, Path], list[int]] = {}
    for index, (stage, file) in enumerate(zip(definition.stage, files, strict=True)):
        groups.setdefault((stage.net, file), []).append(index)
    return list(groups.values())


def load_nets(
    definition: cascade_pb2.CascadeParameter, folder: Path, given: Sequence[PathLike] = ()
) -> list[Loaded]:
    """The net of each stage with its weights, `given` or those that the cascade names.

    For the latter the cascade's notice is said, once a day. Raises ProtofaceError naming the
    missing or bad file.
    """
    return _loaded(definition, folder, given, load_stage)


def runnable_nets(
    definition: cascade_pb2.CascadeParameter, folder: Path, contents: Mapping[str, bytes]
) -> list[Runnable]:
    """The same for a runtime that reads ONNX: of each stage the ONNX file beside its weights.

    `contents` are those of `read_definition`. `pack` writes such a file beside the weights, and it is
    as good as them. A stage whose three files are not all listed is read from its net and weights.
    """

    def load(stage: cascade_pb2.StageParameter, folder: Path, weights: Path) -> Runnable:
        name = _packed_onnx(definition, stage)
        if name not in contents:
            return load_stage(stage, folder, weights)
        return OnnxFile(str(folder / name), contents[name])

    return _loaded(definition, folder, (), load)


def _packed_onnx(definition: cascade_pb2.CascadeParameter, stage: cascade_pb2.StageParameter) -> str:
    """Name of the ONNX file that `pack` wrote beside a stage's net and weights, as all three are named.

    "" unless net and weights are listed too: one that is not may have changed since.
    """
    stem = stage.net.removesuffix(".prototxt")
    weights = stage.weights.removesuffix(".h5").removesuffix(".caffemodel").removesuffix(".pt")
    listed = {file.path for file in definition.file}
    return f"{stem}{ONNX}" if weights == stem and {stage.net, stage.weights} <= listed else ""


def _loaded(
    definition: cascade_pb2.CascadeParameter,
    folder: Path,
    given: Sequence[PathLike],
    load: Callable[[cascade_pb2.StageParameter, Path, Path], T],
) -> list[T]:
    """What `load` makes of stage, folder and weights: one and the same for stages that share them."""
    weights = weight_files(definition, folder, given)
    for stage, path in zip(definition.stage, weights, strict=True):
        if not path.is_file():
            raise ProtofaceError(
                f"{path}: no weights for {stage.name} of '{definition.name}' there; train them, or "
                "name weights files (--weights, one for each stage)"
            )
    if definition.notice and not given:
        notify(definition.notice)
    nets: dict[int, T] = {}
    for members in sharing(definition, weights):
        net = load(definition.stage[members[0]], folder, weights[members[0]])
        nets.update(dict.fromkeys(members, net))
    return [nets[index] for index in range(len(weights))]


def load_stage(stage: cascade_pb2.StageParameter, folder: Path, weights: Path) -> Loaded:
    """The net of a stage with weights: of its own net, or whole in an .onnx file."""
    # here, as each takes long to import and one is enough, or none (`runnable_nets`)
    if is_onnx(weights):
        from protoface.converters.onnx_import import read_onnx

        return read_onnx(weights)
    if stage.onnx:
        raise ProtofaceError(f"{weights}: stage '{stage.name}' is an ONNX file, so give one (.onnx)")
    from .caffe_nets import load_caffe

    return load_caffe(folder / stage.net, folder, weights)
