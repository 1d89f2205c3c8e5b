"""*Now*: what is free, when the usual sizes fit next, and what starts and ends soon."""
