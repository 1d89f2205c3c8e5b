"""What the words speak of, as frozen values: terms, approvals, offers, outages, rate cards, corrections, reviews."""
