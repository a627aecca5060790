-- Every outcome as it is believed tonight, with the member that its account belongs to tonight. Tonight's are asked for
-- twice by their own name, as in int_activities.
with known as (

    select * from {{ ref('int_known_ratings') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

unchanged as (

    select known.*
    from known
    left join {{ ref('int_rating_postings') }} as postings
        on known.activity_id = postings.activity_id
        and known.rule = postings.rule
    where postings.activity_id is null

),

believed as (

    select {{ posted_rating_columns() }} from unchanged
    union all
    select {{ posted_rating_columns() }} from {{ ref('int_rating_postings') }}
    where not is_withdrawn

),

outcomes as (

    select
        believed.*,
        links.member_id
    from believed
    left join links
        on believed.source = links.source
        and believed.account_id = links.account_id

)

select * from outcomes
