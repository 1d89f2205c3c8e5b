"""What the books tell: balances, statements, histories, the year, as of any time."""
