"""How much a company may have: overburn and reviews, tracks, limits of batch work, and who books nothing at all."""
