"""The AWS CLI's list commands: parameters, paging, output. Complete, or not on stdout."""
