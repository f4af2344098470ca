"""Faces of our own drawing, with exact points."""
