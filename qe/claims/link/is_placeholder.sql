-- Whether a fact that a source states of a person is a placeholder (placeholder.sql); value is text.
create or replace temp macro is_placeholder(in_population, in_fact, in_value) as
    exists (
        select 1
        from placeholder
        where placeholder.population = in_population and placeholder.fact = in_fact and placeholder.value = in_value
    )
