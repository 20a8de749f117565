"""What the people in the pictures may ask for."""
