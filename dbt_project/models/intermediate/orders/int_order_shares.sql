{{ config(materialized='file') }}

-- Each component of an order over its merchants, by what was due for their goods, by largest remainder (RULES §8, §10).
with weights as (

    select
        *,
        sum(weight) over (partition by activity_id, component) as weights
    from {{ ref('int_share_weights') }}

),

exact as (

    select
        *,
        amount_fen < 0 as is_given_back,
        abs(amount_fen) as total_fen,
        {{ divide_down('abs(amount_fen) * weight', 'weights') }} as whole_fen,
        mod(abs(amount_fen) * weight, weights) as remainder
    from weights

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
