"""Backends: what runs the net of a stage."""
