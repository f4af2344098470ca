"""Cascades that stay on the device; PyTorch is imported by its modules alone."""
