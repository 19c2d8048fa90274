"""A small shop that fails the way shops do: simulated, so that what is sent is what one would emit."""
