"""The inspector's panels, one file each. A panel draws what is shown; it does not decide."""
