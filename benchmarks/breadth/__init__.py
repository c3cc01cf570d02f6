"""How much of torch's own error inputs is explained: learners' programs, and a judge of what is said."""
