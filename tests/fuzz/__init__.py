"""The fuzzer of the readers; see `__main__.py`."""
