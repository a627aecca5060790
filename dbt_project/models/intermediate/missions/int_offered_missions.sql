-- Missions that earlier nights offered, with whoever has the account now. What a night offers begins the day after, so
-- tonight's matters to later nights alone.
with posted as (

    select * from {{ ref('int_posted__missions') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

offered as (

    select
        posted.mission_id,
        posted.mission,
        links.member_id,
        posted.valid_from_date,
        posted.valid_until_date
    from posted
    inner join links
        on posted.source = links.source
        and posted.account_id = links.account_id

)

select * from offered
