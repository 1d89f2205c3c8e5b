"""What the centre takes back: for an outage, for want of funding, for misuse; and what becomes of whom."""
