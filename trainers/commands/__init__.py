"""The verbs of the command line that train and make data, one file each."""
