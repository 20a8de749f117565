"""The verifiable random function that hides positions in maps: ECVRF-EDWARDS25519-SHA512-TAI."""
