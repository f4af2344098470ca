"""Answers: what the outputs of a stage's net mean; one file for each kind."""
