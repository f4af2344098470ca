"""A stage that finds faces: where, in which pictures, in pieces or whole, and what does not fit."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from protoface.cascade import BACKENDS, finding_stage, load
from protoface.cascade.answers.map_places import join
from protoface.cascade.face import Candidate
from protoface.cascade.finding_stage import Finder
from protoface.cascade.overlap import overlaps
from protoface.converters import ProtofaceError

from .bright_faces import FIRST, MAP, SECOND, bright_picture, write_bright_faces

SQUARES = [(20, 30, 12), (60, 20, 24), (100, 60, 34)]
CPU = [
    name for name in ("opencv", "onnxruntime", "openvino", "torch") if BACKENDS[name].missing() is None
]


@pytest.fixture
def folder(tmp_path):
    return write_bright_faces(tmp_path)


def boxes_of(faces):
    return np.array([face.box for face in faces]).reshape(-1, 4)


def found_by(faces, squares):
    """Whether each square has one face, and there is no other."""
    truth = np.array([(x, y, side, side) for x, y, side in squares], np.float64)
    matches = overlaps(boxes_of(faces), truth) > 0.5
    return matches.sum(0).tolist() == [1] * len(squares) and len(faces) == len(squares)


@pytest.mark.parametrize("backend", CPU)
@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_it_finds_squares_of_all_sizes(folder, backend, mode):
    faces = load(folder, backend, mode).detect(bright_picture(SQUARES))
    assert found_by(faces, SQUARES)
    for face in faces:
        assert 0.5 <= face.score <= 1
        assert face.points.shape == (5, 2)
        middle = face.box[:2] + face.box[2:] / 2
        np.testing.assert_allclose(face.points, [middle] * 5, atol=1.1)
        assert len(face.windows) == len(face.stages) == 2
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_picture_without_faces_and_one_smaller_than_a_cell_have_none(folder, mode):
    found = load(folder, mode=mode)
    assert found.detect(bright_picture([])) == []
    assert found.detect(np.full((11, 200, 3), 255, np.uint8)) == []
    assert found.detect(np.full((1, 1, 3), 255, np.uint8)) == []


def test_pictures_of_all_sizes_at_once_are_as_alone(folder):
    found = load(folder)
    images = [
        bright_picture(SQUARES),
        bright_picture([]),
        bright_picture(SQUARES[:1], 90, 50),
        bright_picture(SQUARES[1:]),
        bright_picture([], 5, 5),
    ]
    together = found.detect_batch(images)
    assert [len(faces) for faces in together] == [3, 0, 1, 2, 0]
    for image, faces in zip(images, together, strict=True):
        np.testing.assert_allclose(boxes_of(faces), boxes_of(found.detect(image)), atol=1e-6)
    assert found.detect_batch([]) == []


def test_a_picture_that_is_shifted_has_shifted_boxes(tmp_path):
    """In clean mode nothing is rounded; by 8 pixels, as the levels of scale 1 and 1/2 see the same."""
    one = FIRST.replace("factor: 0.7", "factor: 0.5")
    found = load(write_bright_faces(tmp_path, one, ""))
    here = boxes_of(found.detect(bright_picture([(24, 32, 12), (64, 16, 24)])))
    there = boxes_of(found.detect(bright_picture([(32, 40, 12), (72, 24, 24)])))
    np.testing.assert_allclose(there - here, [(8, 8, 0, 0)] * 2, atol=1e-9)


@pytest.mark.parametrize("at_once", [40 * 40, 23 * 23])
def test_a_large_level_in_tiles_is_as_in_one_piece(at_once, folder):
    image = bright_picture(SQUARES, 151, 163)
    found = load(folder)
    (first, second) = found.stages
    assert first.looks_at_cells
    whole = [face.box for face in found.detect(image)]
    assert len(whole) == 3
    found.stages = [replace(first, at_once=at_once), second]
    step = next(found.steps([image]))
    assert len(step.levels) > 15
    assert max(run.inputs["data"][0, 0].size for run in step.levels) <= 2 * at_once
    np.testing.assert_allclose([face.box for face in found.detect(image)], whole, atol=1e-9)


def test_steps_hold_every_run_of_the_net(folder):
    found = load(folder)
    first, second = found.steps([bright_picture(SQUARES)])
    assert isinstance(first.stage, Finder)
    assert [run.inputs["data"].shape[:2] for run in first.runs] == [(1, 3)] * len(first.runs)
    sizes = [run.inputs["data"].shape[2:] for run in first.runs]
    assert sizes[:3] == [(120, 160), (84, 112), (59, 78)]
    assert all(run.outputs["score"].shape[1] == 1 for run in first.runs)
    assert len(first.windows) == len(first.candidates)
    assert first.inputs is first.runs[0].inputs
    assert len(second.windows) == len(first.candidates)
    assert len(second.runs) == 1
    both = next(found.steps([bright_picture(SQUARES)] * 2)).runs
    assert [run.inputs["data"].shape[0] for run in both][-3:] == [2, 2, 2]  # small ones together


def test_given_boxes_get_the_face_that_fits(folder):
    found = load(folder)
    image = bright_picture(SQUARES)
    given = [(60, 20, 24, 24), (5, 90, 20, 20), (22, 32, 10, 10), (40, 4, 60, 60)]
    faces = found.detect(image, given)
    assert [face.box.tolist() for face in faces] == [list(map(float, box)) for box in given]
    assert faces[0].score > 0.5
    assert faces[1].score < 0.01
    # the finder's part of the box that is far too wide, too
    np.testing.assert_array_equal(faces[3].windows[0].tolist(), faces[0].windows[0].tolist())


def test_a_box_in_which_nothing_is_found_has_unknown_points():
    """A picture smaller than a cell has no places at all."""
    candidate = Candidate(0, (4, 4), np.array([0.0, 0, 4, 4]))
    unknown = np.full((5, 2), np.nan, np.float32)
    for points in (unknown, None):
        (face,), cells = finding_stage._fitting(join([], []), [candidate], points)
        assert face == candidate._replace(score=0.0, points=points)
        assert cells.tolist() == [[0, 0, 0, 0]]


def test_it_looks_for_the_faces_that_are_asked_for(folder):
    image = bright_picture(SQUARES)
    assert len(load(folder, least_face=22).detect(image)) == 2
    assert len(load(folder, least_face=44).detect(image)) == 1
    with pytest.raises(ProtofaceError, match="least_face is 0, it must be 1 pixel or more"):
        load(folder, least_face=0)
    with pytest.raises(ProtofaceError, match="no stage of cascade 'fast' finds faces by their size"):
        load("fast", least_face=20)


def test_faces_are_kept_from_the_score_that_is_asked_for(folder):
    """By the last stage that goes by scores."""
    image = bright_picture(SQUARES)
    scores = [face.score for face in load(folder).detect(image)]
    middle = (scores[0] + scores[-1]) / 2
    found = load(folder, least_score=middle)
    kept = [score for score in scores if score >= middle]
    assert 0 < len(kept) < len(scores)
    assert [face.score for face in found.detect(image)] == kept
    assert [face.score for face in copy.deepcopy(found).detect(image)] == kept
    with pytest.raises(ProtofaceError, match="least_score is 1.5, it must be 0 to 1"):
        load(folder, least_score=1.5)
    with pytest.raises(ProtofaceError, match="no stage of cascade 'fast' keeps faces by their score"):
        load("fast", least_score=0.5)


def test_many_faces_and_their_number_can_be_bounded(tmp_path):
    squares = [(x, y, 12) for x in range(4, 800, 30) for y in range(4, 600, 30)]
    image = bright_picture(squares, 600, 800)
    assert len(load(write_bright_faces(tmp_path)).detect(image)) == len(squares) == 540
    few = FIRST.replace("overlap_all: 0.3", "overlap_all: 0.3 most: 7")
    assert len(load(write_bright_faces(tmp_path, few)).detect(image)) == 7


def test_sides_are_multiples_and_black_where_the_picture_ends(tmp_path):
    first = FIRST.replace("factor: 0.7", "factor: 0.7 multiple: 8")
    found = load(write_bright_faces(tmp_path, first))
    image = bright_picture(SQUARES, 117, 155)
    step = next(found.steps([image]))
    assert {size % 8 for run in step.runs for size in run.inputs["data"].shape[2:]} == {0}
    assert (step.inputs["data"][..., 117:, :] == 0).all()
    assert found_by(found.detect(image), SQUARES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"score {{}} {MAP}", "score {}", "its window has levels, so answer 'score' needs a map"),
        (
            "picture { least_face: 16 cell: 16 factor: 0.7 }",
            "picture {}",
            "needs one or two values of size",
        ),
        ("cell: 16 stride: 2", "cell: 0 stride: 2", "cell of a map is 0, it must be 1 to 4096 pixels"),
        ("score {}", "score { channel: 1 }", "channel 1 of blob 'score', which has 1, counted from 0"),
        ('blob: "score"', 'blob: "scores"', "blob 'scores', the net gives .*; name one of them"),
        ("factor: 0.7", "factor: 1", "factor is 1, it must be above 0 and below 1"),
        ("factor: 0.7", "factor: 0.99", "factor 0.99 makes more than 100 levels of a picture of 640 x"),
        ("score: 0.6", "score: 1.5", "score is 1.5, it must be 0 to 1"),
        ('name: "finder"', 'name: "finder" flip_average: true', "flip_average goes neither with maps"),
        ("interpolation", "size: 24 interpolation", "its window has levels, which have sizes"),
        ("cell: 16 factor", "cell: 0 factor", "cell is 0, it must be 1 to 4096 pixels"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(tmp_path, old, new, message):
    assert old in FIRST
    write_bright_faces(tmp_path, FIRST.replace(old, new))
    with pytest.raises(ProtofaceError, match=message) as error:
        load(tmp_path)
    assert "stage 'finder'" in str(error.value)
    assert "\n" not in str(error.value)


def test_keep_needs_scores(tmp_path):
    write_bright_faces(tmp_path, SECOND.replace('answer { blob: "score" score {} }', ""), "")
    with pytest.raises(ProtofaceError, match="stage 'refiner': keep goes by scores; add an answer"):
        load(tmp_path)


def test_a_net_of_fixed_size_cannot_look_at_levels(tmp_path):
    write_bright_faces(tmp_path, FIRST.replace("finder.", "refiner.").replace('"box"', '"points"'), "")
    with pytest.raises(ProtofaceError, match="stage 'finder' needs an output of shape any x any x any"):
        load(tmp_path)


def test_scores_beyond_probabilities_and_unequal_maps_are_refused(folder):
    finder = load(folder).stages[0]
    maps, zeros = finder.maps[0], np.zeros((1, 1, 4, 5), np.float32)
    with pytest.raises(ProtofaceError, match="stage 'finder': blob 'score' gives a score of 3, a"):
        finder._scores(maps, {"score": zeros + 3, "box": np.zeros((1, 4, 4, 5))})
    with pytest.raises(ProtofaceError, match="unequal sizes: 'score' 4 x 5, 'box' 3 x 5"):
        finder._scores(maps, {"score": zeros, "box": np.zeros((1, 4, 3, 5))})
    lost = finder._scores(maps, {"score": zeros * np.nan, "box": np.zeros((1, 4, 4, 5))})
    assert not finder.keep.enough(lost, True).any()
