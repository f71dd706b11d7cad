"""The demonstration: declarations of every kind, lodged through the whole stack and watched to their end."""
