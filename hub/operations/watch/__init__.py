"""The early warning: measures, judges, keeps incidents, and tells whom it concerns."""
