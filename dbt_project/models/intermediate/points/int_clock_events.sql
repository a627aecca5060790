-- Activity that moves no points, yet keeps those of idle members alive. Only where a rule of expiry asks for it.
with ratings as (

    select * from {{ ref('int_ratings') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

qualifying as (

    select * from {{ ref('int_rules__qualifying_activity') }}

),

idle_rules as (

    select count(*) as version_count
    from {{ ref('int_rules__expiry') }}
    where has_idle_months

),

clocks as (

    select
        links.member_id,
        ratings.source,
        ratings.account_id,
        ratings.activity_id,
        ratings.activity_type,
        ratings.business_date,
        ratings.occurred_at,
        ratings.business
    from ratings
    inner join idle_rules on idle_rules.version_count > 0
    inner join qualifying
        on ratings.activity_type = qualifying.activity_type
        and ratings.business_date >= qualifying.valid_from_date
        and ratings.business_date < qualifying.valid_until_date
    inner join links
        on ratings.source = links.source
        and ratings.account_id = links.account_id
    where ratings.points = 0
        and ratings.rule = 'base'

)

select * from clocks
