"""How fast the hub is, measured on this machine."""
