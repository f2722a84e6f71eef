"""Training: the objective of a step, the loop, checkpoints, runs."""
