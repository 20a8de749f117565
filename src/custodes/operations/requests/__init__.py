"""What every use case shares: command, context, names of resources, the gate."""
