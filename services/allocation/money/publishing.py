"""Publishing a rate card."""

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.values.tariff import check_tariff


def publish_tariff(centre: Centre, command: commands.PublishTariff, now: int) -> Events:
    """Let a rate card apply from the time that it names on, or from now on if it names none."""
    tariff = replace(command.tariff, valid_from=command.tariff.valid_from or now)
    check_tariff(tariff, centre.cards.published, centre.pools.keys(), now)
    return (events.TariffPublished(tariff=tariff),)
