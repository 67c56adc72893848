"""Results for people: the terminal's table and the self-contained page."""
