"""The scheduler with a profiler around it: `python -m loadtests.profiled_scheduler FILE` leaves its profile in FILE."""

import cProfile
import os
import sys

from services.runtime import lifecycle, logs, settings
from services.scheduler.app import Settings, run


def main() -> int:
    """Run the scheduler as its own program does; give the exit status."""
    logs.configure("scheduler")
    told = settings.load(Settings, os.environ)
    profile = cProfile.Profile()
    profile.enable()
    try:
        return lifecycle.run(lambda stop: run(told, stop))
    finally:
        profile.disable()
        profile.dump_stats(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
