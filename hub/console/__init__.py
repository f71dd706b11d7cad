"""Pages: the operations console, and the tracking page of declarants."""
