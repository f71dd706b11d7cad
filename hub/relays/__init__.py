"""What finishes the half-done: start what was accepted, tell what was received, ask whom it is time to ask."""
