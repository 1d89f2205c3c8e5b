"""Any sequence of commands: granted and refused is what the naive rules say, and the promises hold throughout.

The rules stand by purpose in `tests/allocation/machine`; each of its classes is one room of what can happen.
"""

from tests.allocation.examples import examples
from tests.allocation.machine.classes import Classes
from tests.allocation.machine.outages import Outages
from tests.allocation.machine.passing import Passing
from tests.allocation.machine.promises import Promises
from tests.allocation.machine.records import Records
from tests.allocation.machine.reserves import Reserves
from tests.allocation.machine.revoking import Revoking
from tests.allocation.machine.splitting import Splitting
from tests.allocation.machine.supply import Supply
from tests.allocation.machine.transfers import Transfers
from tests.allocation.machine.wanting import Wanting


class CentreMachine(
    Wanting, Classes, Transfers, Splitting, Outages, Revoking, Records, Reserves, Supply, Passing, Promises
):
    """A small centre beside its naive model."""


TestCentre = CentreMachine.TestCase
TestCentre.settings = examples(100, steps=30)
