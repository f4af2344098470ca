"""Caffe's data layers: what they name, read into memory and cut into batches."""
