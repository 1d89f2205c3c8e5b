"""*Book*: a demand, the offers for it, and the booking of one, against rules of policy where an operator may."""
