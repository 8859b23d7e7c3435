"""Bank lines laid on bills: what each may be, who confirmed it, and the daily check."""
