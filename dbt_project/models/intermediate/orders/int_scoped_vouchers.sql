{{ config(materialized='table') }}

-- Vouchers for the goods of some merchants or categories, over these merchants of the order, by what was due for their
-- goods. A programme's vouchers that are worth more than these goods are out of scope, and not here.
with vouchers as (

    select
        *,
        sum(total_fen) over (partition by activity_id, rule_id) as used_fen
    from {{ ref('int_order_vouchers') }}
    where document_kind = 'order'

),

reached as (

    select distinct
        vouchers.activity_id,
        vouchers.component,
        vouchers.total_fen,
        vouchers.used_fen,
        legs.merchant_id,
        legs.due_fen
    from vouchers
    inner join {{ ref('int_rules__voucher_scopes') }} as scopes on vouchers.rule_id = scopes.rule_id
    inner join {{ ref('int_order_legs') }} as legs
        on vouchers.activity_id = legs.activity_id
        and (scopes.merchant_id = legs.merchant_id or scopes.category = legs.category)

),

weighed as (

    select
        *,
        sum(due_fen) over (partition by activity_id, component) as weights
    from reached

),

shared as (

    select
        activity_id,
        component,
        merchant_id,
        due_fen,
        {{ largest_remainder(divide_down('total_fen * due_fen', 'weights'), 'mod(total_fen * due_fen, weights)',
            'total_fen', 'activity_id, component', 'merchant_id') }} as share_fen
    from weighed
    where used_fen <= weights

)

select * from shared
