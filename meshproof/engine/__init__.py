"""This host: preflight, the container engine, the one door to subprocesses, waiting, progress."""
