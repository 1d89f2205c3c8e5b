"""The programs of Prometheus and Alertmanager that the checks run: those on the path, or what a variable names instead.

They are no wheels: Debian's packages `prometheus` and `prometheus-alertmanager` have them. Other versions are checked
by `make metrics-check PROMETHEUS=FILE PROMTOOL=FILE`, and by the same with ALERTMANAGER and AMTOOL.
"""

import os
import shutil
from pathlib import Path

INSTALLED = {
    "PROMETHEUS": ("prometheus",),
    "PROMTOOL": ("promtool",),
    "ALERTMANAGER": ("prometheus-alertmanager", "alertmanager"),
    "AMTOOL": ("amtool",),
}
"""The names that a program has on the path, by the variable that stands for it."""


def program(variable: str) -> Path:
    """The program that stands for this variable. Ends with a word on what to install if there is none."""
    wanted = os.environ.get(variable, "")
    for name in (wanted,) if wanted else INSTALLED[variable]:
        if found := shutil.which(name):
            return Path(found).absolute()
    names = wanted or " or ".join(INSTALLED[variable])
    raise SystemExit(f"there is no program {names}: install it, or set {variable} to the file")
