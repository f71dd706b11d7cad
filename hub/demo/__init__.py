"""Declarations of every kind, for the demonstration and to try things with: data only."""
