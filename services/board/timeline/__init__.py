"""*Timeline*: every resource a row, drawn here."""
