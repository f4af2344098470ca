"""Pages: figures as text, everything escaped."""

import base64

import numpy as np

from protoface.eval.page import encoded, percent, render

VALUES = {"n": 3, "skipped": (), "setting": "<b>", "answer": [("1 %", "AP", "$x_\x1b[31m")], "iou": 0.5}


def test_percentages():
    assert percent(0.12345) == "12.35"
    assert percent(np.nan) == "-"


def test_a_page_is_filled_in_and_escaped():
    page = render(
        "detection_report.html",
        **VALUES,
        title="<script>",
        rate=0.1,
        finders={"caption": "", "heads": [], "rows": []},
        sizes=[],
        curves=[],
        sheets=[],
        scores=[],
        more_curves=[],
        command="protoface eval \x00",
    )
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "numpy" in page


def test_pictures_are_base64():
    assert base64.b64decode(encoded("a", b"\x00\xff")["data"]) == b"\x00\xff"
