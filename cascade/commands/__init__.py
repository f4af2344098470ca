"""The verbs of the command line that run cascades, one file each."""
