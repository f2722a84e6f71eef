"""The command line: one short branch per command; it wires the parts together and decides nothing else."""
