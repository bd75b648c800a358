"""Registers the plugins of ``fixtures/``, each after those that it builds on, and nothing else."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.catalogue",
    "fixtures.session",
    "fixtures.verdicts",
    "fixtures.cluster",
    "fixtures.mesh",
    "fixtures.workloads",
    "fixtures.probe",
    "fixtures.services",
    "fixtures.certificates",
    "fixtures.protocols",
    "fixtures.crowd",
    "fixtures.faults",
    "fixtures.observability",
    "fixtures.smi",
    "fixtures.access",
    "fixtures.dns",
    "fixtures.lifecycle",
    "fixtures.overhead",
    "fixtures.mutants",
]
