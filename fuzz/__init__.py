"""
Bad input, at every door of a hub that runs: `python -m fuzz`.

Whatever is sent, the hub itself does not fail: no answer of 5xx, nothing of its insides in any answer,
bounded time and memory, and every process alive at the end. Each input follows from the seed, its door and
its number alone, so that any one can be sent again.
"""
