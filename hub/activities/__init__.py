"""One attempt at one effect each; what they need from outside are ports."""
