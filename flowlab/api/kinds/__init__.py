"""The kinds of component, one file per kind: what each takes and what it returns."""
