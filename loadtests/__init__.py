"""Load tests: the budgets of the centre, measured side by side with what they are compared to, in one run.

`python -m loadtests.bench` starts real servers in a temporary folder, measures, prints a table and writes `results/`.
Load on the scheduler comes from one separate client process, and whatever is compared is driven by the same code in
alternating rounds, so that a noisy machine is noisy for both. No service imports anything from here.
"""

import os

# Our children begin a program of their own at once. gRPC reads this when it is first imported, and would complain.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
