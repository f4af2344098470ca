"""The nets of a solver as PyTorch modules, their parameters and their device."""
