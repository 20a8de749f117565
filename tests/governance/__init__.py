"""Permission, recording and billing of every use."""
