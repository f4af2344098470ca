"""The table of published against measured figures, checked on sets whose errors are known."""

import numpy as np
import pytest

from protoface import cascade
from protoface.cascade.measure.step_times import Row
from protoface.eval.compare import as_markdown, as_text, compare, euclidean_loss
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import evaluate, evaluate_cascade

from ..constant_cascade import CASCADE, FIRST, NET, SECOND, constant_weights
from .celeba_set import offset_finder, write_celeba

STEPS = ("preprocess", "level_1", "crop", "level_2", "cascade")
TIMINGS = [
    Row("opencv", 1, 1, step, ms, ms, ms, 1) for step, ms in zip(STEPS, (1, 2, 3, 4, 10), strict=True)
]


@pytest.fixture
def model(tmp_path):
    """A cascade of constant answers and its weights."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "net.prototxt").write_text(NET)
    (folder / "cascade.prototxt").write_text(CASCADE)
    constant_weights(folder / "one.caffemodel", FIRST)
    constant_weights(folder / "two.caffemodel", SECOND)
    return folder


@pytest.fixture
def rows(model, tmp_path):
    """Rows on a set whose truth is 10 pixels below what level 1 answers, in pictures of 80 x 60."""
    truth = FIRST.astype(float) * (39.5, 29.5) + (39.5, 29.5) + (0, 10)
    data = write_celeba(tmp_path / "data", np.repeat(truth[None], 6, axis=0), [0, 0, 0, 2, 2, 2])
    loaded = cascade.load(model)
    weights = [model / "one.caffemodel", model / "two.caffemodel"]
    table = compare(loaded, weights, lambda part: read_dataset(data, part), TIMINGS, "a machine")
    return {row.figure: row for row in table}


def test_level_1_is_over_the_picture(rows):
    for part in ("train", "test"):
        assert rows[f"level 1 {part} error"].measured == pytest.approx(10)  # the diagonal is 100 pixels
    assert rows["level 1 test error, nose"].measured == pytest.approx(10)
    assert rows["level 1 test error"].published == "1.17"


def test_the_loss_is_caffes(rows, celeba):
    expected = 5 * (10 / 29.5) ** 2 / 2  # five points, 10 pixels down, half a picture is 29.5 pixels
    assert rows["level 1 test loss"].measured == pytest.approx(expected, rel=1e-4)
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    assert euclidean_loss(measured) == pytest.approx(5 * (6 / 39.5) ** 2 / 2)


def test_level_2_counts_only_pictures_that_level_1_found(rows):
    # every picture has a level-1 error of 10 %, which is not below 10 %
    assert rows["level 2 test error"].measured is None
    assert "level 1 missed every picture" in rows["level 2 test error"].differs


def test_levels_are_the_stages_of_those_names(model, tmp_path):
    """Of three stages the second is no `level_2`; it answers as the first, so its error is another."""
    file = model / "cascade.prototxt"
    text = file.read_text()
    second = text.index('stage {\n  name: "level_2"')
    again = text[second:].replace('"level_2"', '"level_1_again"').replace("two.caff", "one.caff")
    file.write_text(text[:second] + again + text[second:])
    truth = FIRST.astype(float) * (39.5, 29.5) + (39.5, 29.5) + (0, 5)
    data = write_celeba(tmp_path / "data", np.repeat(truth[None], 3, axis=0), [0, 2, 2])
    loaded = cascade.load(model)
    timings = [
        *TIMINGS,
        *(Row("opencv", 1, 1, step, 1, 1, 1, 1) for step in ("crop_3", "level_1_again")),
    ]
    table = compare(
        loaded,
        [model / "one.caffemodel"] * 3,
        lambda part: read_dataset(data, part),
        timings,
        "a machine",
    )
    rows = {row.figure: row for row in table}
    measured = evaluate_cascade(loaded, read_dataset(data, "test"))
    assert measured.names == ("level_1", "level_1_again", "level_2")
    expected = 100 * measured.errors("crop_diagonal", 2).mean()
    assert rows["level 2 test error"].measured == pytest.approx(expected)
    assert expected != pytest.approx(100 * measured.errors("crop_diagonal", 1).mean())
    said = "stages: level 1 is the stage 'level_1', level 2 is the stage 'level_2' of level_1, "
    assert said in rows["level 2 test error"].differs


def test_size_and_times(rows, model):
    size = (model / "one.caffemodel").stat().st_size / 1024
    assert rows["size of a model"].measured == pytest.approx(size)
    assert rows["one forward pass"].measured == pytest.approx(3)  # mean of level_1 and level_2
    assert "a machine, backend" in rows["one forward pass"].differs
    assert rows["whole cascade"].measured == 10


def test_every_row_says_what_differs(rows):
    assert all(row.differs for row in rows.values())
    assert "data: 6 pictures of data, not CelebA's 202,599" in rows["level 1 test error"].differs


def test_without_data_it_says_which_rows_cannot_be_compared(model):
    weights = [model / "one.caffemodel", model / "two.caffemodel"]
    table = compare(cascade.load(model), weights, None, TIMINGS, "a machine")
    missing = [row.figure for row in table if row.measured is None]
    assert len(missing) == len(table) - 3
    assert {row.differs for row in table if row.measured is None} == {
        "not comparable: needs CelebA (--celeba DIR)"
    }
    assert table[-1].as_json()["published"] is None


def test_text_and_markdown(rows):
    text, markdown = as_text(list(rows.values())), as_markdown(list(rows.values()))
    assert "cascade test error" in text
    assert "(1) data: 6 pictures" in text
    lines = markdown.splitlines()
    assert lines[0].startswith("| figure | published | measured |")
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


@pytest.mark.slow
def test_published_weights_on_real_faces(shared):
    weights = [shared / "original" / f"l{level}_net.caffemodel" for level in (1, 2)]
    found = cascade.load("original", mode="faithful", weights=weights)
    folder = shared / "faces" / "net7876"
    table = compare(found, weights, lambda part: read_dataset(folder, part), TIMINGS, "a machine")
    rows = {row.figure: row.measured for row in table}
    assert rows["size of a model"] == pytest.approx(955.5, abs=0.5)
    assert rows["cascade test error"] == pytest.approx(1.24, abs=0.05)
    assert rows["level 1 test error"] == pytest.approx(1.44, abs=0.05)
