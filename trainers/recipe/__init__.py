"""Recipes: a cascade trained stage by stage, as one would do it today; see docs/recipes.md."""
