"""`aidc demo`: the main job end to end, on a fresh centre at simulated time, checked to the unit-second."""
