"""Values and decisions. No AWS, no clock, no environment: every decision takes `now`."""
