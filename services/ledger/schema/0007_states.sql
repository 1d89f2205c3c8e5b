-- Every state of a reservation's life; services/allocation/life.py says how one leads to another.

ALTER TABLE reservations DROP CONSTRAINT reservations_state_check;
ALTER TABLE reservations ADD CONSTRAINT reservations_state_check CHECK (
    state IN ('held', 'pending', 'confirmed', 'active', 'completed',
              'cancelled', 'expired', 'denied', 'no_show', 'displaced')
);
