"""The proof rig of the event backbone: real processes, real servers, injected faults, and a checker."""
