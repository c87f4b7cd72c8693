-- The words of a product's ingredient names in capitals: ['ATORVASTATIN CALCIUM'] has ATORVASTATIN and CALCIUM.
create or replace temp macro ingredient_words(ingredients) as
    string_split_regex(upper(array_to_string(ingredients, ' ')), '[^A-Z0-9]+')
