"""Prove a service mesh on a real Kubernetes cluster, and measure what it costs."""

__version__ = "0.1.0"
