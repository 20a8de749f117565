"""Both layers of rules behind the gate, their facts, their changes and their explanations."""
