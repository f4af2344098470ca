"""Times of cascades and their steps, agreement of backends, and the machine they ran on."""
