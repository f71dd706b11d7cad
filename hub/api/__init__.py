"""The HTTP doors of the hub: customs systems lodge and look, agencies call back, machines probe."""
