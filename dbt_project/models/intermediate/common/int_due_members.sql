-- Members with something falling due since the last night: a lot's last day or release, a tier that begins to exempt
-- lots or ceases to, the end of a tier's grace, a lock that begins the day after, or ends, a mission that begins.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

exempting_rules as (

    select count(*) as version_count
    from {{ ref('int_rules__expiry') }}
    where has_exempt_tiers

),

-- A tier decided at the end of a day holds from the next one: an exemption begins or ends.
due_exemptions as (

    select changes.member_id
    from {{ ref('int_posted__tier_changes') }} as changes
    inner join exempting_rules on exempting_rules.version_count > 0
    inner join tonight
        on changes.effective_date > tonight.previous_date
        and changes.effective_date <= tonight.business_date

),

due_tiers as (

    select changes.member_id
    from {{ ref('int_posted__tier_changes') }} as changes
    cross join tonight
    inner join {{ ref('int_rules__tier_policy') }} as policy
        on policy.valid_from_date <= changes.period_end_date
        and policy.valid_until_date > changes.period_end_date
        and {{ add_days('changes.period_end_date', 'policy.grace_days') }} > tonight.previous_date
        and {{ add_days('changes.period_end_date', 'policy.grace_days') }} <= tonight.business_date

),

due_locks as (

    select locks.member_id
    from {{ ref('int_tier_locks') }} as locks
    cross join tonight
    where ({{ add_days('locks.from_date', '-1') }} > tonight.previous_date
            and {{ add_days('locks.from_date', '-1') }} <= tonight.business_date)
        or (locks.until_date > tonight.previous_date and locks.until_date <= tonight.business_date)

),

-- What was offered on the last night may matter to an activity that was rated then already.
due_missions as (

    select member_id
    from {{ ref('int_offered_missions') }}
    where valid_from_date > (select previous_date from tonight)
        and valid_from_date <= (select business_date from tonight)

),

due as (

    select links.member_id
    from links
    inner join {{ ref('int_due_accounts') }} as accounts
        on links.source = accounts.source
        and links.account_id = accounts.account_id
    union
    select member_id from due_exemptions
    union
    select member_id from due_tiers
    union
    select member_id from due_locks
    union
    select member_id from due_missions

)

select * from due
