"""What it costs at a centre, and what operators say about money: rate cards, corrections, arrears, months."""
