"""Which units: placement, and moving what has not begun."""
