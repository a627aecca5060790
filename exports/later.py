"""Imports put off until something is used, for libraries that import far more than a step needs.

Great Expectations imports altair and scipy.stats for charts and statistics that no suite here asks
for; without them its import takes 3.5 seconds instead of 6.
"""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module, and imports it when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def put_off(name: str) -> None:
    """Import a module only when something in it is used; no effect if it is imported already."""
    if name in sys.modules:
        return
    parent, _, child = name.rpartition(".")
    sys.modules[name] = module = _Later(name)
    if parent:
        setattr(importlib.import_module(parent), child, module)
