"""The agency engineer's workbench: what `hub agency ...` does, without the terminal."""
