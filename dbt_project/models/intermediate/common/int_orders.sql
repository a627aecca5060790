-- What can earn tonight: paid orders, each with the points rule of its business on its own date; a merchant's or
-- brand's own multiplier goes before that of the business. Refunds are rated with the rule of the order they reverse.
-- What happened through a migration's cut-over date is inside the legacy balance, and cites the migration.
with activities as (

    select * from {{ ref('int_touched_activities') }}

),

rules as (

    select * from {{ ref('int_rules__earning') }}

),

merchant_rules as (

    select * from {{ ref('int_rules__earning_overrides') }}
    where layer = 4

),

brand_rules as (

    select * from {{ ref('int_rules__earning_overrides') }}
    where layer = 3

),

migrations as (

    select * from {{ ref('int_rules__migrations') }}

),

orders as (

    select
        activities.activity_id,
        activities.business,
        activities.source,
        activities.account_id,
        activities.member_id,
        activities.activity_type,
        activities.occurred_at,
        activities.business_date,
        activities.merchant_id,
        activities.channel,
        activities.category,
        activities.discount_fen,
        activities.paid_fen,
        migrations.rule_id is not null as is_in_legacy_balance,
        coalesce(migrations.rule_id, merchant_rules.rule_id, brand_rules.rule_id, rules.rule_id) as rule_id,
        rules.points_per_10000_fen,
        coalesce(merchant_rules.multiplier_percent, brand_rules.multiplier_percent, rules.multiplier_percent)
            as multiplier_percent,
        rules.refund_policy
    from activities
    left join rules
        on activities.business = rules.business
        and activities.business_date >= rules.valid_from_date
        and activities.business_date < rules.valid_until_date
    left join merchant_rules
        on activities.business = merchant_rules.business
        and activities.merchant_id = merchant_rules.merchant_id
        and activities.business_date >= merchant_rules.valid_from_date
        and activities.business_date < merchant_rules.valid_until_date
    left join brand_rules
        on activities.business = brand_rules.business
        and activities.merchant_id = brand_rules.merchant_id
        and activities.business_date >= brand_rules.valid_from_date
        and activities.business_date < brand_rules.valid_until_date
    left join migrations
        on activities.business = migrations.business
        and activities.business_date <= migrations.cut_over_date
    where {{ is_order('activities.activity_type') }}

)

select * from orders
