"""What every page has: who looks, the way around, tables and fields, and what becomes of a form that was sent."""
