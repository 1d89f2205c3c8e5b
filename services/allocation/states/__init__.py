"""The states of a reservation: which event may follow which, what it is then, and what that moves in the books."""
