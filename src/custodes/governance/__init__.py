"""Who may do what: pure rules over plain values. It knows no store, no network, no clock and no use case."""
