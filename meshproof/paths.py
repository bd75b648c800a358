"""Where things are: the checkout that this package belongs to, and the cache.

meshproof runs from its checkout (``pip install -e .``): recipes, charts and schemas are read from there.
"""

import os
from pathlib import Path
from typing import Final

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent


def recipes_root() -> Path:
    """The folder of the bundle's recipes: ``MESHPROOF_RECIPES``, else the checkout's ``bundle/``."""
    chosen = os.environ.get("MESHPROOF_RECIPES")
    return Path(chosen).expanduser().absolute() if chosen else PROJECT_ROOT / "bundle"


def cache_root() -> Path:
    """The folder that holds the bundle and Go's caches: ``MESHPROOF_CACHE``, else the XDG cache."""
    if chosen := os.environ.get("MESHPROOF_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "meshproof"
