"""What all sources hold, as rows to search: `tables`, `entries` (write and read), `search`."""
