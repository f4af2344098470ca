"""Sets of pictures with boxes: subsets keep what belongs to their pictures."""

import numpy as np

from protoface.eval.datasets.dataset import list_set
from protoface.eval.datasets.wider import ATTRIBUTES

from .wider_set import write_wider

FACES = {f"x/{number}.png": [(number, 0, 9, 9)] * number for number in range(5)}


def test_a_subset_keeps_everything_of_its_pictures(tmp_path):
    whole = list_set(write_wider(tmp_path, val=FACES))
    part = whole.subset([3, 1])
    assert part.names == (whole.names[3], whole.names[1])
    assert [len(boxes) for boxes in part.boxes] == [3, 1] == [len(flags) for flags in part.ignored]
    np.testing.assert_array_equal(part.boxes[0][:, 0], 3)
    assert tuple(part.attributes) == ATTRIBUTES
    assert all([len(each) for each in values] == [3, 1] for values in part.attributes.values())
    assert whole.evenly(2).names == (whole.names[0], whole.names[2])


def test_iterating_gives_each_picture_with_its_faces(tmp_path):
    pictures = list(list_set(write_wider(tmp_path, val=FACES)))
    assert [len(picture.boxes) for picture in pictures] == list(range(5))
    assert {picture.part for picture in pictures} == {"val"}
    assert pictures[2].path == f"{tmp_path}/WIDER_val/images/x/2.png"
