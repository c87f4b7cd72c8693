-- One fill. Fails: its ingredients are not known.
case when ndc is not null then coalesce(len({column}), 0) = 0 end
