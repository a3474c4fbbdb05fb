"""DPM-Solver++(2M), a second-order multistep integrator for flowlab."""
