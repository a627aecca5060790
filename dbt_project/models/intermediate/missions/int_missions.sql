-- Every mission offered so far, tonight's among them, with whoever has the account now.
with missions as (

    select
        mission_id, mission, mission_name, business, source, account_id, tier, metric, missing_value,
        valid_from_date, valid_until_date, rule_id
    from {{ ref('int_posted__missions') }}
    union all
    select
        mission_id, mission, mission_name, business, source, account_id, tier, metric, missing_value,
        valid_from_date, valid_until_date, rule_id
    from {{ ref('int_mission_postings') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

of_members as (

    select
        missions.*,
        links.member_id
    from missions
    inner join links
        on missions.source = links.source
        and missions.account_id = links.account_id

)

select * from of_members
