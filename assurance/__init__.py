"""Programs that try at length what tests of single parts cannot: to make policycheck pass without evidence, be silent, or cry wolf."""
