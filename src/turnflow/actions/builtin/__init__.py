"""The actions that come with Turnflow: one file for each noun."""
