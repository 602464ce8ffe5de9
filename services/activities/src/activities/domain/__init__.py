"""Pure rules: what each kind of activity may say, and when it reminds."""
