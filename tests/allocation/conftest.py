"""How hard the properties try: more at night, `pytest tests/allocation --hypothesis-profile=nightly -o timeout=0`."""

from hypothesis import HealthCheck, settings

settings.register_profile("nightly", max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
