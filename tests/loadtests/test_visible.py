"""Until when a booking was not seen is counted in full."""

from loadtests.visible import Published, Sighting, delays

PAGES = (Published(4, 10.0, 2), Published(5, 10.1, 1), Published(6, 10.5, 0))


def test_a_booking_is_seen_with_the_first_look_that_shows_its_page():
    """Looks that show less do not count, nor do pages without bookings; each booking of a page counts."""
    sightings = [Sighting(3, 10.0), Sighting(4, 10.25), Sighting(4, 10.5), Sighting(6, 11.0)]
    assert [round(delay, 2) for delay in delays(PAGES, sightings)] == [0.25, 0.25, 0.9]
