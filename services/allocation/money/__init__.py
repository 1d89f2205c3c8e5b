"""What it costs: rate cards, prices, fees, corrections and the months of the books."""
