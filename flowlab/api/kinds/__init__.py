"""The kinds of component: what each takes, what it gives, one file a kind."""
