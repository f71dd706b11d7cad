"""Deterministic Temporal code: the order in which things happen, and nothing else."""
