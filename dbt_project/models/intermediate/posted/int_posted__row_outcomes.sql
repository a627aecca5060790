with posted as (
{{ posted_before_tonight(source('posted', 'row_outcomes')) }}
)

select * from posted
