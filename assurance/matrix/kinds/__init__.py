"""One module a way of taking something from the evidence; `registry` lists them."""
