"""What validation shows a net in training is what detection shows it, and its error is detection's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.cascade import Cascade, load
from protoface.cascade.definition import load_nets, read_definition, weight_files
from protoface.cascade.layouts import find_layout
from protoface.cascade.pictures import read_picture
from protoface.cascade.views.view_kind import Batch
from protoface.cascade.windows import clean
from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import Dataset
from protoface.eval.datasets.picture_set import NO_PART
from protoface.trainers.recipe import validation
from protoface.trainers.recipe.jitter import Floats
from protoface.trainers.recipe.validation import show

from ...constant_cascade import CASCADE, FIRST, NET, SECOND, constant_weights

COUNT = 5


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The constant cascade, but the answers move with what there is to see."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "net.prototxt").write_text(NET)
    (folder / "cascade.prototxt").write_text(CASCADE)
    for name, answer in (("one", FIRST), ("two", SECOND)):
        constant_weights(folder / f"{name}.caffemodel", answer, spread=2e-4)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Dataset:
    """Pictures of several sizes; the last face has no eye distance, so its error cannot be measured."""
    generator = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    names = tuple(f"{index}.png" for index in range(COUNT))
    for index, name in enumerate(names):
        image = generator.integers(0, 256, (60 + index, 80 - index, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "pictures" / name), image)
    truth = generator.uniform(10, 50, (COUNT, 5, 2))
    truth[-1, :2] = 30
    parts = np.full(COUNT, NO_PART, np.int8)
    return Dataset(
        name="drawn",
        root=tmp_path,
        layout=find_layout("celeba5"),
        folder=tmp_path / "pictures",
        names=names,
        truth=truth,
        parts=parts,
    )


def first_stage(model: Path) -> Cascade:
    """The cascade without its second stage."""
    definition = read_definition(model / "cascade.prototxt")
    del definition.stage[1:]
    return Cascade(definition, load_nets(definition, model, weight_files(definition, model)), "opencv")


def forward_of(cascade: Cascade, stage: int) -> validation.Forward:
    """A stage's net as one in training: an array in, an array out."""
    behind = cascade.stages[stage]
    (blob,) = behind.views

    def forward(batch: Batch) -> Floats:
        (answer,) = behind.forward({blob: batch}).values()
        return answer

    return forward


def answer_of(dataset: Dataset) -> PointsAnswer:
    return PointsAnswer(cascade_pb2.PointsAnswer(), dataset.layout, clean)


@pytest.mark.parametrize("stage", [0, 1])
def test_inputs_and_windows_are_those_of_detection(stage, model, pictures, monkeypatch) -> None:
    monkeypatch.setattr(validation, "BATCH", 2)  # three batches, the last one not full
    cascade = load(model, "opencv")
    seen = show(pictures, cascade.stages[stage].view, first_stage(model) if stage else None)
    for index, path in enumerate(pictures.paths):
        step = list(cascade.steps([read_picture(path)]))[stage]
        (expected,) = step.inputs.values()
        np.testing.assert_array_equal(seen.inputs[index : index + 1], expected)
        assert seen.windows[index] == step.windows[0]


def test_what_the_stages_before_have_found(model, pictures) -> None:
    first = first_stage(model)
    seen = show(pictures, load(model, "opencv").stages[1].view, first)
    expected = [first.detect(read_picture(path))[0].points for path in pictures.paths]
    np.testing.assert_array_equal(seen.found_before, expected)
    assert len({points.tobytes() for points in seen.found_before}) == COUNT


@pytest.mark.parametrize("stage", [0, 1])
def test_the_error_is_that_of_detection(stage, model, pictures, monkeypatch) -> None:
    """By hand: mean distance over the eye distance, of the faces that have one."""
    monkeypatch.setattr(validation, "BATCH", 2)
    cascade = load(model, "opencv")
    seen = show(pictures, cascade.stages[stage].view, first_stage(model) if stage else None)
    errors = []
    for path, truth in list(zip(pictures.paths, pictures.truth, strict=True))[:-1]:
        found = cascade.detect(read_picture(path))[0].stages[stage]
        eyes = np.linalg.norm(truth[0] - truth[1])
        errors.append(np.linalg.norm(found - truth, axis=1).mean() / eyes)
    error = seen.error(answer_of(pictures), forward_of(cascade, stage))
    assert error == pytest.approx(np.mean(errors), rel=1e-5)


def test_a_net_that_answers_the_truth_has_no_error(model, pictures) -> None:
    seen = show(pictures, load(model, "opencv").stages[0].view, None)
    last = np.array([read_picture(path).shape[1::-1] for path in pictures.paths]) - 1
    # of a whole picture, -1 to 1 from its first pixel to its last one
    answers = (pictures.truth / last[:, None] * 2 - 1).astype(np.float32).reshape(COUNT, -1)
    assert seen.error(answer_of(pictures), lambda batch: answers) < 1e-5


def test_a_picture_that_cannot_be_read_is_named(model, pictures) -> None:
    pictures.paths[2].write_bytes(b"no picture")
    with pytest.raises(ProtofaceError, match=r"2\.png: not a picture"):
        show(pictures, load(model, "opencv").stages[0].view, None)
