"""What figures are counted in: times in seconds, parts of a whole in per cent, shares of a GPU in thousandths."""

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
HOUR_MINUTES = 60
DAY_MINUTES = 24 * 60
PERCENT = 100
"""The whole."""
MILLI = 1000
