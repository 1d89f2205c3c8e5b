"""Bookings that come again."""
