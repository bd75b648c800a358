"""The offline bundle: what it is made of, how it is built, verified and given back."""

from meshproof.bundle.build import build_bundle
from meshproof.bundle.cleaning import clean
from meshproof.bundle.errors import BundleDamagedError, BundleMissingError, DiskFullError
from meshproof.bundle.opened import Bundle, BundledImage, ensure_node_image, open_bundle

__all__ = [
    "Bundle",
    "BundleDamagedError",
    "BundleMissingError",
    "BundledImage",
    "DiskFullError",
    "build_bundle",
    "clean",
    "ensure_node_image",
    "open_bundle",
]
