"""One self-contained HTML page of a detection: the answer, curves, false alarms and misses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from protoface.converters.files import write_text

from .average_precision import RATE
from .detection import LEAST, SCORES, Detected, Figures, Floats
from .detection_plots import box_tile, precision_recall, recall_over_false_alarms
from .matching import FALSE_ALARM, IOU
from .page import encoded, percent, render

TILES = 24
#: The size of faces that the page opens with.
MAIN = 30
HEADS = ("faces", "n", "AP", "CI", "recall", "CI", "recall of all", "precision of all")


def write_detection_report(
    path: str | os.PathLike[str], finders: Mapping[str, Detected], setting: str, command: str
) -> None:
    """Write the page about the first of `finders`; the others stand beside it in tables and curves."""
    found = next(iter(finders.values()))
    page = render(
        "detection_report.html",
        title=f"protoface eval: {found.dataset.name}",
        n=len(found.kept),
        skipped=found.skipped,
        setting=setting,
        answer=list(_answer(found)),
        iou=IOU,
        rate=RATE,
        finders=_finders(finders),
        sizes=[_sizes(name, one) for name, one in finders.items()] if found.faces else [],
        curves=list(_curves(finders, [MAIN])) if found.faces else [],
        sheets=list(_sheets(found)),
        scores=[_scores(name, one) for name, one in finders.items()],
        more_curves=list(_curves(finders, [one for one in LEAST if one != MAIN]))
        if found.faces
        else [],
        command=command,
    )
    write_text(path, page)


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _interval(values: tuple[float, float] | None) -> str:
    return "-" if values is None else " - ".join(map(percent, values))


def size_row(figures: Figures) -> list[str]:
    """Faces of a size under HEADS, in percent: AP, recall at RATE, recall and precision of all."""
    return [
        f"{figures.least} px and more",
        str(figures.faces),
        _share(figures.ap),
        _interval(figures.ap_ci95),
        _share(figures.recall_at_rate),
        _interval(figures.recall_at_rate_ci95),
        _share(figures.recall),
        _share(figures.precision),
    ]


def _answer(found: Detected) -> Iterator[tuple[str, str, str]]:
    """What the page opens with: a figure, what it is, and what belongs to it."""
    for figures in found.sizes.values():
        if figures.ap is not None:
            note = f"95 % interval {_interval(figures.ap_ci95)} %, {figures.faces} faces"
            yield f"{percent(figures.ap)} %", f"AP, faces of {figures.least} px and more", note
    main = found.sizes[MAIN]
    if main.recall_at_rate is not None:
        note = f"faces of {MAIN} px and more, 95 % interval {_interval(main.recall_at_rate_ci95)} %"
        yield f"{percent(main.recall_at_rate)} %", f"recall at {RATE:g} false alarms a picture", note
    clean = found.operating()
    note = f"95 % interval {_interval(clean.clean_ci95)} %"
    yield f"{percent(clean.clean)} %", "pictures without a false alarm", note
    yield f"{clean.false_alarms_per_picture:.3f}", "false alarms a picture", "of everything found"
    yield f"{len(found.kept):,}", "pictures (n)", f"{found.faces:,} faces, ignored ones included"
    yield f"{found.milliseconds:.2f} ms", "per picture", "without reading and decoding it"


def _finders(finders: Mapping[str, Detected]) -> dict[str, Any]:
    heads = ["finder", *(f"AP {least} px" for least in LEAST), "recall", "no false alarm", "ms"]
    return {
        "caption": f"Finders, in %; recall at {RATE:g} false alarms a picture, {MAIN} px; ms a picture",
        "heads": heads,
        "rows": [
            [
                name,
                *(_share(figures.ap) for figures in found.sizes.values()),
                _share(found.sizes[MAIN].recall_at_rate),
                percent(found.operating().clean),
                f"{found.milliseconds:.2f}",
            ]
            for name, found in finders.items()
        ],
    }


def _sizes(name: str, found: Detected) -> dict[str, Any]:
    rows = [*map(size_row, found.sizes.values())]
    return {"caption": f"{name}, in %", "heads": HEADS, "rows": rows}


def _scores(name: str, found: Detected) -> dict[str, Any]:
    """What a threshold of the score would do."""
    heads = ["score", *(f"recall {least} px" for least in LEAST), "false alarms", "no false alarm"]
    rows = []
    for score in (0, *SCORES):
        one = found.operating(score)
        shares = [*(_share(one.recall[least]) for least in LEAST)]
        alarms = f"{one.false_alarms_per_picture:.3f}"
        rows.append([f"{score:g}" if score else "all", *shares, alarms, percent(one.clean)])
    caption = f"{name}: what is found with a score of at least ...; false alarms a picture, others in %"
    return {"caption": caption, "heads": heads, "rows": rows}


def _curves(finders: Mapping[str, Detected], sizes: Iterable[int]) -> Iterator[dict[str, str]]:
    for least in sizes:
        yield encoded(f"Precision and recall, {least} px", precision_recall(finders, least))
        yield encoded(f"Recall and false alarms, {least} px", recall_over_false_alarms(finders, least))


def _sheets(found: Detected) -> Iterator[dict[str, Any]]:
    alarms = _false_alarms(found)
    note = "The best scored ones first."
    yield {"title": "False alarms", "note": note, "faces": [_tile(found, *one) for one in alarms]}
    if found.faces:
        misses = _misses(found)
        note = "The largest faces first."
        yield {"title": "Misses", "note": note, "faces": [_tile(found, *one) for one in misses]}


def _false_alarms(found: Detected) -> list[tuple[int, Floats, str]]:
    """Picture, box and what to say of the TILES best scored ones."""
    alarms = [
        (score, picture, box)
        for picture, match in enumerate(found.matches())
        for score, box, outcome in zip(
            found.scores[picture].tolist(), found.boxes[picture], match.outcomes.tolist(), strict=True
        )
        if outcome == FALSE_ALARM
    ]
    alarms.sort(key=lambda alarm: -alarm[0])
    return [(picture, box, f"score {score:.3f}") for score, picture, box in alarms[:TILES]]


def _misses(found: Detected) -> list[tuple[int, Floats, str]]:
    """Picture, box and what to say of the TILES largest faces that were not found."""
    misses = [
        (float(box[3]), picture, box)
        for picture, match in enumerate(found.matches())
        for box in found.dataset.boxes[int(found.kept[picture])][match.missed]
    ]
    misses.sort(key=lambda miss: -miss[0])
    return [(picture, box, f"{height:.0f} px") for height, picture, box in misses[:TILES]]


def _tile(found: Detected, picture: int, box: Floats, said: str) -> dict[str, str]:
    name = found.dataset.names[int(found.kept[picture])]
    return {**encoded(name, box_tile(found, picture, np.asarray(box))), "said": said}
