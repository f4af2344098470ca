"""Training: Caffe's solvers and data layers on PyTorch, recipes for whole cascades, and their data."""

from typing import TYPE_CHECKING

from protoface.converters.errors import ProtofaceError
from protoface.converters.lazy import exporting

if TYPE_CHECKING:
    from .drawn.faces import draw_face
    from .drawn.folders import write_faces
    from .experiment.demo import demo
    from .experiment.reproduce import reproduce
    from .recipe.recipe import Recipe, read_recipe
    from .recipe.recipe_trainer import RecipeTrained, train_recipe
    from .sets.crop import crop
    from .sets.prepare import prepare
    from .solver.score import score
    from .solver.solver_file import read_solver
    from .solver.solver_trainer import Trainer
    from .solver.timing import time_net
    from .solver.train import Trained, train

__all__ = [
    "ProtofaceError",
    "Recipe",
    "RecipeTrained",
    "Trained",
    "Trainer",
    "crop",
    "demo",
    "draw_face",
    "prepare",
    "read_recipe",
    "read_solver",
    "reproduce",
    "score",
    "time_net",
    "train",
    "train_recipe",
    "write_faces",
]

#: Imported when a name is asked for: who prepares pictures needs no PyTorch.
__getattr__, __dir__ = exporting(
    __name__,
    {
        ".drawn.faces": ("draw_face",),
        ".drawn.folders": ("write_faces",),
        ".experiment.demo": ("demo",),
        ".experiment.reproduce": ("reproduce",),
        ".recipe.recipe": ("Recipe", "read_recipe"),
        ".recipe.recipe_trainer": ("RecipeTrained", "train_recipe"),
        ".sets.crop": ("crop",),
        ".sets.prepare": ("prepare",),
        ".solver.score": ("score",),
        ".solver.solver_file": ("read_solver",),
        ".solver.solver_trainer": ("Trainer",),
        ".solver.timing": ("time_net",),
        ".solver.train": ("Trained", "train"),
    },
)
