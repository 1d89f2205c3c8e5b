-- How many people of a class have checked in; 0 where the booking names nobody.

ALTER TABLE reservations ADD COLUMN people integer NOT NULL DEFAULT 0 CHECK (people >= 0);
