"""Pure rules: who is told what, in which words, when, and how often."""
