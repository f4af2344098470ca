"""Places of maps: where they lie, and what outputs mean, place by place."""

import numpy as np
import torch

from protoface.trainers.faces.places import FaceMap, make_places, read_maps

MAPS = [FaceMap("s8", "b8", "p8", 8, 8), FaceMap("s16", "b16", "p16", 16, 24)]


def outputs(count=2):
    generator = torch.Generator().manual_seed(0)
    sizes = {"8": (4, 6), "16": (2, 3)}
    return {
        f"{kind}{name}": torch.rand(count, channels, *size, generator=generator)
        for name, size in sizes.items()
        for kind, channels in (("s", 1), ("b", 4), ("p", 10))
    }


def test_places_come_row_by_row_map_by_map():
    places = make_places(MAPS, [(4, 6), (2, 3)], torch.zeros(()))
    assert places.corners[:6].tolist() == [[column * 8, 0] for column in range(6)]
    assert places.corners[6:8].tolist() == [[0, 8], [8, 8]]
    assert places.corners[24:].tolist() == [[0, 0], [16, 0], [32, 0], [0, 16], [16, 16], [32, 16]]
    assert places.strides.tolist() == [8] * 24 + [16] * 6
    assert places.centres[0].tolist() == [4, 4]
    assert places.centres[24].tolist() == [12, 12]


def test_what_outputs_mean():
    """By plain loops over the places."""
    given = outputs()
    answers = read_maps(given, MAPS)
    assert answers.scores.shape == (2, 30)
    place = 0
    for each in MAPS:
        scores, boxes, points = (given[name].numpy() for name in (each.score, each.box, each.points))
        for row, column in np.ndindex(scores.shape[2:]):
            for picture in range(2):
                at = picture, slice(None), row, column
                assert answers.scores[picture, place] == scores[picture, 0, row, column]
                left, top, right, bottom = boxes[at] * each.stride
                x, y = column * each.stride + each.cell / 2, row * each.stride + each.cell / 2
                np.testing.assert_allclose(
                    answers.boxes[picture, place], (x - left, y - top, x + right, y + bottom), rtol=1e-5
                )
                first = np.array((column, row)) * each.stride
                spots = first + (points[at].reshape(5, 2) + 1) / 2 * (each.cell - 1)
                np.testing.assert_allclose(answers.points[picture, place], spots, rtol=1e-5)
            place += 1


def test_a_point_at_the_first_and_the_last_pixel_of_the_cell():
    given = {name: torch.zeros_like(blob) for name, blob in outputs(1).items()}
    given["p16"][0, :4, 1, 2] = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    points = read_maps(given, MAPS).points[0, 29]
    assert points[:2].tolist() == [[32, 16], [55, 39]]
