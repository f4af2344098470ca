"""Annotated sets of pictures; one file for each layout of files."""
