"""Service meshes, one module each, behind the Protocol in ``adapter``.

A new mesh is one module here and one folder in ``manifests/mesh/``.
"""
