"""What `setup.py` plans to compile. It is a script beside the packages, so it is read by its path."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def _plan() -> ModuleType:
    spec = spec_from_file_location("aidc_setup", Path(__file__).parents[2] / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLAN = _plan()
