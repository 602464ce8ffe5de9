"""Made-up organisations and people to try Meridian with."""
