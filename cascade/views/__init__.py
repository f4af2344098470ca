"""Views: what the inputs of a stage's net are made of; one file for each kind."""
