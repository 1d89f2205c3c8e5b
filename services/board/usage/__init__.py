"""*Usage and waste*, and a company's books of the month: what the ledger tells."""
