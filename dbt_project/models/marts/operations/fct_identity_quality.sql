with quality as (

    select * from {{ source('identity', 'quality') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

-- None on the first night of a lake.
last_published as (

    select quality.largest_member_account_count
    from quality
    inner join tonight on quality.load_date = tonight.previous_date

),

tonights_quality as (

    select
        tonight.business_date,
        quality.settings_version,
        quality.account_count,
        quality.member_count,
        quality.held_link_count,
        quality.blocked_value_count,
        quality.members_over_names_count,
        quality.most_names,
        quality.most_members_over_names_per_million,
        quality.largest_member_account_count,
        last_published.largest_member_account_count as previous_largest_member_account_count,
        quality.largest_member_growth,
        quality.largest_member_growth_from
    from quality
    inner join tonight on quality.load_date = tonight.business_date
    left join last_published on true

)

select * from tonights_quality
