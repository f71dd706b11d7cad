"""
The fault campaign: declarations of every kind flow while everything around them is broken, and at the end the
books of the agencies and of the cargo system are held against what must hold all the same.
"""
