"""Names in the party map: was this party behind a customer?"""
