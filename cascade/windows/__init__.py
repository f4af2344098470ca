"""Windows: the part of a picture that a stage looks at; one file for each kind."""
