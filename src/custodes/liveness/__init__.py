"""Face liveness: challenges, sessions, and what a received video says about them, as pure rules."""
