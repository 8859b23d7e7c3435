"""The transitional subsidy (过渡期补贴): what the street pays of a bill, for how long, on what paper."""
