-- A part of a booking that was split is a reservation of its own, and no other booking: it names the first one, which
-- was booked; empty where the reservation is that one.

ALTER TABLE reservations ADD COLUMN first_reservation text NOT NULL DEFAULT '';
