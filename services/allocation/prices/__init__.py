"""What is due for what is held and given back, to the won: pure functions, the same for whoever quotes and books."""
