-- What counts to the tags that rules ask for, of the members that they ask about: an order from the day after it on, a
-- refund from the day after it, both until the order is too old.
with asked as (

    select distinct
        member_id,
        with_tag as tag
    from {{ ref('int_bonus_candidates') }}
    where with_tag is not null

),

definitions as (

    select * from {{ ref('int_rules__tags') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

circumstances as (

    {{ with_circumstances('orders') }}

),

counted as (

    select
        asked.member_id,
        asked.tag,
        definitions.rule_id,
        orders.activity_id,
        {{ add_days('orders.business_date', '1') }} as from_date,
        {{ add_days('orders.business_date', 'definitions.within_days + 1') }} as until_date,
        definitions.orders_at_least is not null as is_counted,
        orders.paid_fen
    from asked
    inner join definitions on asked.tag = definitions.tag
    inner join circumstances as orders
        on asked.member_id = orders.member_id
        and {{ counts_to_tag('orders', 'definitions') }}

),

both_ways as (

    select
        member_id, tag, rule_id, from_date, until_date,
        case when is_counted then cast(1 as bigint) else paid_fen end as value
    from counted
    union all
    select
        counted.member_id, counted.tag, counted.rule_id,
        greatest({{ add_days('refunds.business_date', '1') }}, counted.from_date) as from_date,
        counted.until_date,
        refunds.remaining_after_fen - refunds.remaining_before_fen as value
    from counted
    inner join {{ ref('int_refunds') }} as refunds
        on counted.activity_id = refunds.order_activity_id
        and not counted.is_counted
        and {{ add_days('refunds.business_date', '1') }} < counted.until_date

)

select * from both_ways
