"""Face Liveness, the component of Amplify and attacks on both."""
