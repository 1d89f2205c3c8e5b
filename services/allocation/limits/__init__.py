"""How much a company may have: overburn and reviews, tracks, batch work, funding; and who books nothing at all."""
