-- I9: no more members with too many names than is allowed, and no member that grew too fast since the last published
-- night. A night that nobody measured violates it.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

quality as (

    select * from {{ ref('fct_identity_quality') }}

),

each_one as (

    select
        coalesce(
            quality.members_over_names_count * 1000000
            > quality.most_members_over_names_per_million * quality.member_count, true) as is_violation
    from tonight
    left join quality on tonight.business_date = quality.business_date
    union all
    select
        quality.largest_member_account_count > quality.largest_member_growth_from
            and quality.largest_member_account_count
            > quality.largest_member_growth * quality.previous_largest_member_account_count as is_violation
    from quality

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
