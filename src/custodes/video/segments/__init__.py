"""What is found in all frames of a video: shots and technical cues."""
