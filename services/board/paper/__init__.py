"""What a page is written with: markup that escapes, words in two languages, times, the style sheet and the script."""
