"""The states of a reservation: which event may follow which, and what it is then."""
