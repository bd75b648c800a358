"""The agent in the cluster, which sends where the application would, and its client here."""
