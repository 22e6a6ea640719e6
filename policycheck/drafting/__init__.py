"""A first policy, drafted from what job lists really hold."""
