"""One file per platform behind one interface (``base.py``). The rest of the code asks, it never says ``if platform``."""

from connections.platforms.base import Platform, load_platforms, platform_class, platforms

__all__ = ["Platform", "load_platforms", "platform_class", "platforms"]
