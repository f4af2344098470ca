"""`python -m protoface VERB ...`: the command line, also under `torchrun -m -- protoface train ...`."""

from protoface.start import main

main()
