"""Training sets for Caffe's solvers, made from annotated pictures."""
