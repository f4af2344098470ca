"""Drawn (synthetic) faces with exact points."""
