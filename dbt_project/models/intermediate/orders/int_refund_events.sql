{{ config(materialized='file') }}

-- What the fold of refunds reads: the legs and charges of each order that has refunds, then of each refund the goods that
-- came back of each merchant, and what was given back of each component.
with refunds as (

    select * from {{ ref('int_order_documents') }}
    where document_kind = 'refund'

),

orders as (

    select *
    from {{ ref('int_order_documents') }}
    where activity_id in (select reverses_activity_id from refunds)

),

parts as (

    select
        'leg' as event,
        activity_id as order_id,
        activity_id,
        merchant_id,
        merchant_party,
        component,
        funder_party,
        rule_id,
        amount_fen,
        case when is_in_base then amount_fen else 0 end as base_fen
    from {{ ref('int_refundable_legs') }}
    where activity_id in (select activity_id from orders)
    union all
    select
        'returned' as event,
        refunds.reverses_activity_id as order_id,
        refunds.activity_id,
        items.merchant_id,
        cast(null as string) as merchant_party,
        cast(null as string) as component,
        cast(null as string) as funder_party,
        cast(null as string) as rule_id,
        -items.due_fen as amount_fen,
        cast(0 as bigint) as base_fen
    from refunds
    inner join {{ ref('int_order_items') }} as items on refunds.activity_id = items.activity_id
    union all
    select
        'given_back' as event,
        refunds.reverses_activity_id as order_id,
        refunds.activity_id,
        cast(null as string) as merchant_id,
        cast(null as string) as merchant_party,
        components.component,
        cast(null as string) as funder_party,
        cast(null as string) as rule_id,
        -components.amount_fen as amount_fen,
        cast(0 as bigint) as base_fen
    from refunds
    inner join {{ ref('int_order_components') }} as components on refunds.activity_id = components.activity_id

),

events as (

    select
        parts.order_id,
        documents.business_date,
        documents.occurred_at,
        documents.business,
        parts.activity_id,
        parts.event,
        parts.merchant_id,
        parts.merchant_party,
        parts.component,
        parts.funder_party,
        parts.rule_id,
        parts.amount_fen,
        parts.base_fen
    from parts
    inner join {{ ref('int_order_documents') }} as documents on parts.activity_id = documents.activity_id
    order by
        order_id, business_date, occurred_at, activity_id, event, merchant_id, component, funder_party, rule_id

)

select * from events
