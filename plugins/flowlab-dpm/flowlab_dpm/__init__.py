"""An integrator for flowlab: DPM-Solver++(2M), a second-order multistep method."""
