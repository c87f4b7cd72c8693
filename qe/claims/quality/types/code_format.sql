-- One value. Fails: the code does not have the form of its code system (quality/lists.toml).
not regexp_full_match({column}, {pattern})
