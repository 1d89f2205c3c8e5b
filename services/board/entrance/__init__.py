"""Coming in and staying: signing in, acting for somebody, limits before every page, live changes, what is counted."""
