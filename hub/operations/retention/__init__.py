"""What is closed long enough leaves the store for files that can be read and checked without it."""
