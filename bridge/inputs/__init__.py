"""Inputs: each decodes and timestamps what arrives, nothing else."""
