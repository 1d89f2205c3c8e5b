"""When what is free, and which bins fit best: calendars, timetables, closings, exclusive groups, placement."""
