"""Where input comes in, one module for each kind of door."""
