"""Makes the weights of the beat net: music, features, training. Not part of the program (see README.md)."""
