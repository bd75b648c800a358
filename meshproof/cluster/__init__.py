"""The cluster: kind, through pytest-kind's ``KindCluster``; the workloads of a run."""
