"""What a screening found, for people: what speaks for and against, as a page, a picture, drafts of reports."""
