"""One reservation and what is done with it: confirmed, checked in, changed, handed over, voted on, given back."""
