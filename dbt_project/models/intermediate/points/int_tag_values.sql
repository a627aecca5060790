-- What counts of every member on the morning after the night, to each tag by its definition in force then: the orders of
-- the days before, or their money less refunds so far. The same as int_tagged_orders says of that day.
with definitions as (

    select
        rules.*,
        {{ add_days('tonight.business_date', '1') }} as valid_on_date
    from {{ ref('int_rules__tags') }} as rules
    inner join {{ ref('int_tonight') }} as tonight
        on tonight.business_date >= {{ add_days('rules.valid_from_date', '-1') }}
        and {{ add_days('tonight.business_date', '1') }} < rules.valid_until_date

),

first_day as (

    select min({{ add_days('valid_on_date', '-within_days') }}) as first_date
    from definitions

),

refunds as (

    select
        reverses_activity_id as activity_id,
        -sum(paid_fen) as refunded_fen
    from {{ ref('int_activities') }}
    where activity_type = 'refund'
    group by reverses_activity_id

),

orders as (

    select
        links.member_id,
        activities.activity_id,
        activities.activity_type,
        activities.business,
        activities.business_date,
        activities.occurred_at,
        activities.channel,
        activities.category,
        activities.paid_fen
    from {{ ref('int_activities') }} as activities
    inner join first_day on activities.business_date >= first_day.first_date
    inner join {{ ref('int_member_links') }} as links
        on activities.source = links.source
        and activities.account_id = links.account_id
    where {{ is_order('activities.activity_type') }}

),

circumstances as (

    {{ with_circumstances('orders') }}

),

tag_values as (

    select
        orders.member_id,
        definitions.tag,
        definitions.rule_id,
        definitions.valid_on_date,
        count(*) as order_count,
        sum(greatest(orders.paid_fen - coalesce(refunds.refunded_fen, 0), 0)) as paid_fen
    from circumstances as orders
    inner join definitions
        on orders.business_date >= {{ add_days('definitions.valid_on_date', '-definitions.within_days') }}
        and orders.business_date < definitions.valid_on_date
        and {{ counts_to_tag('orders', 'definitions') }}
    left join refunds on orders.activity_id = refunds.activity_id
    group by orders.member_id, definitions.tag, definitions.rule_id, definitions.valid_on_date

)

select * from tag_values
