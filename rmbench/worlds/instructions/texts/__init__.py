"""The banks: one `Kind` per kind of text."""
