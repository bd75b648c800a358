"""Mutants: ways a mesh can be wrong, each applied to a ready mesh and taken back."""
