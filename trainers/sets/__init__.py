"""Training sets written out of annotated pictures."""
