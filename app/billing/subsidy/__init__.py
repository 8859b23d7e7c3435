"""The transitional subsidy (过渡期补贴): what the street pays, for how long, on what paper."""
