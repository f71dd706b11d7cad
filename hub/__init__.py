"""The single-window hub: one declaration in, every agency asked, the cargo released or held."""
