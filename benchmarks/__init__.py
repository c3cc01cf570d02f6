"""What torchtutor costs, each figure beside what it is compared with. Run `make bench`."""
