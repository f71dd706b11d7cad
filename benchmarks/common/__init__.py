"""What every contender but the hub is made of: calls to agencies, tables, an HTTP door."""
