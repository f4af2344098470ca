"""Recipes: a cascade trained stage by stage with current methods; see docs/recipes.md."""
