"""Programs that try to make policycheck say more than its evidence shows; they use it as its users do."""
