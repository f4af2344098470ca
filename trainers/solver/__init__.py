"""Caffe's solvers on PyTorch: train, test, time."""
