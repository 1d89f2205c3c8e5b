"""*Outages*: what is out of order, whom it moves, declaring it and giving the units back."""
