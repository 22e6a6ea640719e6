"""What the tests of single parts cannot show: long simulations, and everything combined with everything."""
