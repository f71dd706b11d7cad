"""What finishes the half-done: starts what was accepted, tells what was received, asks who is due."""
