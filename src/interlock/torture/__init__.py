"""The search for the fault that breaks a promise: random worlds, played on the simulator and judged by the promises."""
