"""How a company stands with the centre: bills, misuse, strikes, trainings, exemptions; and what operators record."""
