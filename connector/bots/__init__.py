"""Which events a machine made, found from the events themselves and left out of every score."""
