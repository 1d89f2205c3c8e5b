"""The decisions about a booking, from the demand to the hand-over."""
