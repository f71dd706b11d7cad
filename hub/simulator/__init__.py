"""The agencies and the cargo system, simulated on real sockets: for demonstrations, agencies, and tests."""
