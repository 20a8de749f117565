"""Live streams between AWS members and commands, and what they tell."""
