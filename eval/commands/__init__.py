"""The verbs of the command line that measure, one file each."""
