"""The verbs of the command line that carry nets over, one file each."""
