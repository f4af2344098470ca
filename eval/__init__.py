"""Measuring landmarks: annotation lists and errors, always with the normaliser named."""
