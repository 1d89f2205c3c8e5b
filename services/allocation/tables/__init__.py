"""The tables that the centre is put together from: meters, records, answers, the agenda, the lists, what is held."""
