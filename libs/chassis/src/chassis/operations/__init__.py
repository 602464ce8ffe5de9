"""The operators' hands: what is stuck, why, and how it goes on. Every change has a reason and leaves an audit row."""
