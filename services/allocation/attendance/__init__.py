"""Who came, who did not, who is trained, what was used, and by which terms."""
