"""The way to the services: whose token is sent, what an answer means, and the catalogue that is kept for a while."""
