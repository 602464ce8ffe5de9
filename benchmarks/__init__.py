"""What Meridian promises in figures, each with a bare baseline of the same run beside it: `make bench`."""
