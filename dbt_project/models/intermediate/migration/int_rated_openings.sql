-- What becomes of each line of a legacy balance: opened, or an exception with its reason. A line without points brings
-- a tier alone.
with activities as (

    select * from {{ ref('int_touched_activities') }}
    where activity_type = 'opening_balance'

),

balances as (

    select * from {{ ref('int_legacy_balances') }}

),

migrations as (

    select * from {{ ref('int_rules__migrations') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

outcomes as (

    select
        activities.activity_id,
        activities.activity_type,
        activities.business,
        activities.occurred_at,
        activities.member_id,
        activities.source,
        activities.account_id,
        activities.points,
        activities.business_date,
        migrations.rule_id,
        case
            when migrations.rule_id is null then 'migration_not_signed'
            when accounts.account_id is null then 'unknown_account'
            when activities.member_id is null then 'unknown_member'
            when balances.legacy_points < 0 then 'negative_points'
            when balances.repetition > 1 then 'repeated_line'
            when balances.expires_on_date <= migrations.cut_over_date then 'expired_before_cut_over'
            when balances.legacy_points = 0 then 'nothing_to_open'
            else 'opened'
        end as outcome
    from activities
    inner join balances on activities.activity_id = balances.activity_id
    left join migrations
        on activities.business = migrations.business
        and activities.business_date = migrations.cut_over_date
    left join accounts
        on activities.source = accounts.source
        and activities.account_id = accounts.account_id

)

select * from outcomes
