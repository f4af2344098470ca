"""Defaults that the command line shows; here, so that a verb need not load another one's libraries."""

DROP = 0.10  # the published threshold of level-1 errors; the author came to recommend 0.05
SIZE = 256  # pixels of a drawn picture's longer side
DRAWN_LAYOUTS = ("celeba5", "ibug68", "ibug77", "wflw98")  # whose points drawn faces have
