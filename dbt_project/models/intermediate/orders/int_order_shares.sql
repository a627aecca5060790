{{ config(materialized='table') }}

-- Each component of an order over its merchants, by what was due for their goods, by largest remainder (RULES §8, §10).
with components as (

    select * from {{ ref('int_order_components') }}

),

legs as (

    select
        *,
        sum(weight) over (partition by activity_id) as weights
    from {{ ref('int_order_legs') }}

),

exact as (

    select
        legs.business,
        legs.activity_id,
        legs.business_date,
        legs.merchant_id,
        legs.merchant_party,
        legs.rule_id,
        legs.weights,
        components.component,
        components.voucher_no,
        components.amount_fen < 0 as is_given_back,
        abs(components.amount_fen) as total_fen,
        {{ divide_down('abs(components.amount_fen) * legs.weight', 'legs.weights') }} as whole_fen,
        mod(abs(components.amount_fen) * legs.weight, legs.weights) as remainder
    from components
    inner join legs on components.activity_id = legs.activity_id
    where components.amount_fen <> 0

),

shared as (

    select
        *,
        {{ largest_remainder('whole_fen', 'remainder', 'total_fen', 'activity_id, component', 'merchant_id') }}
            as share_fen
    from exact

),

shares as (

    select
        business,
        activity_id,
        business_date,
        merchant_id,
        merchant_party,
        rule_id,
        component,
        voucher_no,
        is_given_back,
        total_fen,
        share_fen,
        {{ share_rounding('share_fen', 'whole_fen', 'remainder', 'weights') }} as rounding_micro_fen
    from shared

)

select * from shares
