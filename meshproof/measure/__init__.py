"""Runs a load experiment: profile -> Locust in the cluster -> histograms."""
