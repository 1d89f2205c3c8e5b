"""Where the scheduler's time goes under the load of `echo_ratio`: the real service inside a profiler."""

import pstats
from pathlib import Path

from loadtests.contest import CLIENTS, ring
from loadtests.load import job
from loadtests.measures import Round
from loadtests.site import Advance

SECONDS = 10.0
LINES = 40


async def profile(folder: Path, seed: int, advance: Advance) -> tuple[Round, Path]:
    """Play one closed round against a profiled scheduler; give the round and the file of the profile."""
    kept = folder / "scheduler.profile"
    program = ("-m", "loadtests.profiled_scheduler", str(kept))
    async with ring(folder, advance, postgres=False, program=program) as client:
        played = await client.play(job("scheduler", seconds=SECONDS, seed=seed, clients=CLIENTS))
    return played, kept


def show(played: Round, kept: Path) -> None:
    """Print the profile: what takes the most time itself, then our own functions with all that they call."""
    answers = sum(played.outcomes.values())
    print(f"{played.granted_per_second:,.0f} bookings/s under the profiler; {answers:,} answers measured")
    print(f"processor time for each, in us: {played.cpu_us}")
    print("time in `run` itself is uvloop and gRPC, which are not Python, and waiting\n")
    stats = pstats.Stats(str(kept)).strip_dirs()
    stats.sort_stats("tottime").print_stats(LINES)
    pstats.Stats(str(kept)).sort_stats("cumtime").print_stats(r"/services/", LINES)
