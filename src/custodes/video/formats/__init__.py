"""Files of videos: their structure, read without decoding a frame."""
