"""The load: programs that run under Locust, here and (mounted from a ConfigMap) in the cluster."""
