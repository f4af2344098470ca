"""Pictures in which all faces, or one, are known: what a face finder is trained on."""
