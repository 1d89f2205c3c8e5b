"""In which form a module runs: as its source, or as C that mypyc made of that source (`make compiled`)."""

from types import ModuleType

COMPILED, INTERPRETED = "compiled", "interpreted"


def form_of(module: ModuleType) -> str:
    """The form in which a module was imported."""
    return INTERPRETED if (module.__file__ or "").endswith(".py") else COMPILED
