"""Observations become verdicts and figures: pure functions, no I/O."""
