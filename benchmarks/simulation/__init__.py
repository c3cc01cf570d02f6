"""torch's own samples of its operators, on the simulated device and on the CPU."""
