"""Where job lists come from; one module a source, each giving `interface.Evidence`."""
