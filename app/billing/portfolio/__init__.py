"""Many communities at once: what a company's, a street's and the desk's lists show of billing."""
