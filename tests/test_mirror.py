"""Every module has its test file: tests/eval/test_groups.py for eval/groups.py, or one named here."""

import pytest

from .source_tree import ROOT, modules

TESTS = ROOT / "tests"
#: Modules without a test file of their own -> the one that tests them.
TESTED_IN = {
    "cascade/bench.py": "package/test_cli.py",
    "cascade/caffe_nets.py": "cascade/test_definition.py",
    "cascade/cascade_pb2.py": "cascade/test_definition.py",
    "converters/caffe_graph.py": "converters/test_onnx_import.py",
    "converters/cuda_graph.py": "trainers/solver/test_graph_step.py",
    "converters/ends.py": "converters/test_runtimes.py",
    "converters/errors.py": "package/test_cli.py",
    "converters/lazy.py": "test_exports.py",
    "converters/messages.py": "converters/test_weights.py",
    "converters/net_text.py": "converters/test_prototxt.py",
    "converters/onnx_graph.py": "converters/test_onnx_export.py",
    "converters/onnx_node.py": "converters/test_onnx_import.py",
    "converters/opencv_onnx.py": "converters/test_opencv_net.py",
    "converters/operators/normalization.py": "converters/operators/test_others.py",
    "converters/operators/reduction.py": "converters/operators/test_others.py",
    "converters/operators/registration.py": "converters/test_onnx_import.py",
    "converters/operators/resize.py": "converters/operators/test_others.py",
    "converters/operators/sliding_window.py": "converters/operators/test_pooling.py",
    "converters/strings.py": "converters/test_onnx_import.py",
    "eval/box_results.py": "eval/commands/test_eval.py",
    "eval/detection_plots.py": "eval/test_detection_report.py",
    "eval/measurement.py": "eval/commands/test_eval.py",
    "eval/plots.py": "eval/test_report.py",
    "eval/point_results.py": "eval/commands/test_eval.py",
    "trainers/data/columns.py": "trainers/data/test_batches.py",
    "trainers/defaults.py": "package/test_cli.py",
    "trainers/experiment/experiment.py": "trainers/experiment/test_demo.py",
    "trainers/net/memory.py": "trainers/solver/test_score.py",
    "trainers/recipe/classifier_options.py": "trainers/recipe/test_classifier_task.py",
    "trainers/recipe/finder_options.py": "trainers/recipe/test_finder_task.py",
    "trainers/recipe/points_task.py": "trainers/recipe/test_stage_trainer.py",
    "trainers/recipe/recipe_run.py": "trainers/recipe/test_recipe_trainer.py",
    "trainers/recipe/scene_sets.py": "trainers/recipe/test_classifier_task.py",
    "trainers/recipe/stage_log.py": "trainers/recipe/test_recipe_trainer.py",
    "trainers/recipe/task.py": "trainers/recipe/test_finder_task.py",
    "trainers/recipe/task_data.py": "trainers/recipe/test_classifier_task.py",
    "trainers/recipe/tasks.py": "trainers/recipe/test_finder_task.py",
    "trainers/solver/curves.py": "trainers/solver/test_training_log.py",
    "trainers/solver/solver_trainer.py": "trainers/solver/test_train.py",
    "trainers/solver/timing.py": "trainers/solver/test_score.py",
}


def own_tests() -> dict[str, str]:
    """Module file -> its mirrored test file; a verb's is test_cli.py, which runs each of them."""
    found = {}
    for path in modules().values():
        folder, name = path.parent.relative_to(ROOT), path.stem.strip("_")
        if path.name != "__init__.py" and folder.name != "commands":
            found[(folder / path.name).as_posix()] = (folder / f"test_{name}.py").as_posix()
    del found["prototxt/generate/__main__.py"]  # run by test_generate.py and `make`
    return found


def test_every_module_has_its_test():
    tests = {**own_tests(), **TESTED_IN}
    assert [module for module, test in tests.items() if not (TESTS / test).is_file()] == []


@pytest.mark.parametrize("module", TESTED_IN)
def test_no_exception_is_out_of_date(module):
    assert (ROOT / module).is_file(), "is gone"
    assert not (TESTS / own_tests()[module]).is_file(), "has its own test file now"
