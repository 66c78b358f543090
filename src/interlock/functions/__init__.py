"""What each Lambda does with what it is invoked with: from the shape of an event to the steps. `lambdas/` calls these."""
