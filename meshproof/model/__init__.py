"""Typed values and the formats they are parsed from: pure, no I/O."""
