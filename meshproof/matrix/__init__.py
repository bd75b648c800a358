"""Mesh, proxy, Kubernetes and CoreDNS in their versions: which combinations hold, which to judge next."""
