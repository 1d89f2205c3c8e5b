"""When what is free: calendars, timetables, closings, exclusive groups."""
