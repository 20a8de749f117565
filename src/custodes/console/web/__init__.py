"""What every page needs: sessions, forms, languages, rendering, headers."""
