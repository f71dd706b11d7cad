"""Who runs the reference job."""
