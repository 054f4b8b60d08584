"""Reports for people: pages and plots that stand alone, and tables for the terminal. May import models and schemas."""
