"""*Series*: the same demand again and again, booked, changed and given back."""
