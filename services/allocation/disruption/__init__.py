"""What is out, or no longer funded, and what becomes of those who stand there."""
