"""Names of persons and firms, their numbers and countries: what is alike, and what weighs little."""
