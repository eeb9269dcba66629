"""What this course is measured against, by hand: README.md says how."""
