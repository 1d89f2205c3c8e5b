"""Which units: the demand and what comes along, where it is placed, and moving what has not begun."""
