-- By what each component of a document is shared over its merchants: a voucher for some goods by what was due for these,
-- everything else by what such vouchers leave of what was due.
with scoped as (

    select * from {{ ref('int_scoped_vouchers') }}

),

scoped_components as (

    select distinct
        activity_id,
        component
    from scoped

),

covered as (

    select
        activity_id,
        merchant_id,
        sum(share_fen) as covered_fen
    from scoped
    group by activity_id, merchant_id

),

left_over as (

    select
        legs.*,
        greatest(legs.weight - coalesce(covered.covered_fen, 0), 0) as left_weight,
        sum(greatest(legs.weight - coalesce(covered.covered_fen, 0), 0)) over (partition by legs.activity_id) as left_weights
    from {{ ref('int_order_legs') }} as legs
    left join covered
        on legs.activity_id = covered.activity_id
        and legs.merchant_id = covered.merchant_id

),

weights as (

    select
        left_over.business,
        left_over.activity_id,
        left_over.business_date,
        left_over.merchant_id,
        left_over.merchant_party,
        left_over.rule_id,
        components.component,
        components.voucher_no,
        components.amount_fen,
        case
            when scoped_components.activity_id is not null then coalesce(scoped.due_fen, 0)
            when left_over.left_weights = 0 then left_over.weight
            else left_over.left_weight
        end as weight
    from {{ ref('int_order_components') }} as components
    inner join left_over on components.activity_id = left_over.activity_id
    left join scoped_components
        on components.activity_id = scoped_components.activity_id
        and components.component = scoped_components.component
    left join scoped
        on components.activity_id = scoped.activity_id
        and components.component = scoped.component
        and left_over.merchant_id = scoped.merchant_id
    where components.amount_fen <> 0

)

select * from weights
