-- Everybody, when a version of what tiers ask for has begun since the last night: it is judged on its first day.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

versions as (

    select valid_from_date from {{ ref('int_rules__tier_conditions') }}
    union all
    select valid_from_date from {{ ref('int_rules__tier_policy') }}

),

begun as (

    select count(*) as version_count
    from versions
    cross join tonight
    where versions.valid_from_date > tonight.previous_date
        and versions.valid_from_date <= tonight.business_date

),

members as (

    select distinct links.member_id
    from {{ ref('int_member_links') }} as links
    inner join begun on begun.version_count > 0

)

select * from members
