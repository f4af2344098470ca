"""`python -m protoface.trainers train ...`: what `torchrun -m` needs to start the command line."""

from protoface.cascade.cli import main

if __name__ == "__main__":
    main()
