"""Who came and who did not, what follows, and what was used."""
