"""Networks from settings: those opened on demand, those of the operator, what their scores stand for."""
