-- Who belongs to an audience at which business: only members who consented to marketing at an account there.
with members as (

    select * from {{ ref('dim_members') }}

),

member_tiers as (

    select * from {{ ref('dim_member_tiers') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

audiences as (

    select audiences.*
    from {{ ref('int_rules__audiences') }} as audiences
    inner join tonight
        on audiences.valid_from_date <= tonight.business_date
        and audiences.valid_until_date > tonight.business_date

),

consents as (

    select
        links.member_id,
        accounts.business
    from {{ ref('int_accounts') }} as accounts
    inner join {{ ref('int_member_links') }} as links
        on accounts.source = links.source
        and accounts.account_id = links.account_id
    where accounts.is_marketing_consented
    group by links.member_id, accounts.business

),

expiring as (

    select
        audiences.audience,
        lots.member_id,
        cast(sum(lots.remaining_points) as bigint) as expiring_points
    from {{ ref('fct_points_lots') }} as lots
    cross join tonight
    inner join audiences
        on audiences.kind = 'points_expiring_within_days'
        and lots.expires_on_date <= {{ add_days('tonight.business_date', 'audiences.limit_value') }}
    group by audiences.audience, lots.member_id

),

measured as (

    select
        audiences.audience,
        audiences.audience_name,
        audiences.limit_value,
        members.member_id,
        audiences.kind,
        case audiences.kind
            when 'points_expiring_within_days' then expiring.expiring_points
            when 'growth_missing_at_most' then member_tiers.growth_missing
            when 'no_activity_for_days'
                then cast({{ dbt.datediff('members.last_activity_date', 'tonight.business_date', 'day') }} as bigint)
        end as measure
    from members
    inner join member_tiers on members.member_id = member_tiers.member_id
    cross join audiences
    cross join tonight
    left join expiring
        on audiences.audience = expiring.audience
        and members.member_id = expiring.member_id

),

audience_members as (

    select
        measured.audience,
        measured.audience_name,
        consents.business,
        measured.member_id,
        measured.measure
    from measured
    inner join consents on measured.member_id = consents.member_id
    where (measured.kind = 'points_expiring_within_days' and measured.measure > 0)
        or (measured.kind = 'growth_missing_at_most' and measured.measure between 1 and measured.limit_value)
        or (measured.kind = 'no_activity_for_days' and measured.measure >= measured.limit_value)

)

select * from audience_members
