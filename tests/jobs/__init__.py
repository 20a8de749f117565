"""Work that goes on after its request: transitions, leases, schedules, workers."""
