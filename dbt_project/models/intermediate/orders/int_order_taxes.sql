-- The tax inside what tonight's documents move: of charges by the merchant's contract, of the rest by the book of taxes
-- on the order's day, by the merchant's own tax status where that differs, also when a refund takes it back. A refund's
-- tax is that of what was left before it less that of what it leaves, so that any number of refunds takes back exactly
-- the tax of the order.
with movements as (

    select
        *,
        replace(movement_type, '_refund', '') as taxed_movement,
        case when movement_type like '%refund' then -amount_fen else amount_fen end as signed_fen
    from {{ ref('int_order_movements') }}

),

-- The kind is no condition of the join below: DuckDB would hold every document against every other.
named as (

    select
        activity_id,
        business_date,
        occurred_at,
        case when document_kind = 'refund' then reverses_activity_id end as refunded_id
    from {{ ref('int_order_documents') }}

),

-- Orders of which something is taken back: by refunds, or by the order itself.
reduced as (

    select refunded_id as order_id from named
    union
    select activity_id as order_id from {{ ref('int_order_movements') }}
    where movement_type like '%refund'

),

documents as (

    select
        named.activity_id,
        named.business_date,
        named.occurred_at,
        coalesce(orders.activity_id, named.activity_id) as order_id,
        coalesce(orders.business_date, named.business_date) as order_date,
        reduced.order_id is not null as is_reduced
    from named
    left join {{ ref('int_order_documents') }} as orders on named.refunded_id = orders.activity_id
    left join reduced on coalesce(orders.activity_id, named.activity_id) = reduced.order_id

),

rated as (

    select
        movements.*,
        documents.order_id,
        documents.business_date,
        documents.occurred_at,
        documents.is_reduced,
        coalesce(contracts.tax_treatment, own.tax_treatment, taxes.tax_treatment, 'undetermined') as tax_treatment,
        coalesce(contracts.tax_per_mille, own.tax_per_mille, taxes.tax_per_mille, 0) as tax_per_mille,
        coalesce(own.rule_id, taxes.rule_id) as tax_rule_id
    from movements
    inner join documents on movements.activity_id = documents.activity_id
    left join {{ ref('int_rules__merchant_contracts') }} as contracts
        on movements.taxed_movement in ('commission', 'channel_fee')
        and movements.rule_id = contracts.rule_id
    left join {{ ref('int_rules__movement_taxes') }} as taxes
        on movements.taxed_movement = taxes.movement_type
        and documents.order_date >= taxes.valid_from_date
        and documents.order_date < taxes.valid_until_date
    left join {{ ref('int_rules__payee_taxes') }} as own
        on movements.merchant_party = own.payee_party
        and movements.taxed_movement = own.movement_type
        and documents.order_date >= own.valid_from_date
        and documents.order_date < own.valid_until_date

),

-- Of most orders everything is left: only the others are put into their order.
running as (

    select
        *,
        signed_fen as left_fen
    from rated
    where not is_reduced
    union all
    select
        *,
        sum(signed_fen) over (
            partition by order_id, merchant_party, other_party, taxed_movement, rule_id
            order by business_date, occurred_at, activity_id, movement_type
            rows between unbounded preceding and current row
        ) as left_fen
    from rated
    where is_reduced

),

taxed as (

    select
        activity_id,
        merchant_party,
        other_party,
        movement_type,
        rule_id || coalesce(' ' || tax_rule_id, '') as rule_id,
        amount_fen,
        rounding_micro_fen,
        tax_treatment,
        tax_per_mille,
        cast(({{ tax_within('left_fen', 'tax_per_mille') }} - {{ tax_within('(left_fen - signed_fen)', 'tax_per_mille') }})
            * case when movement_type like '%refund' then -1 else 1 end as bigint) as tax_fen
    from running

)

select * from taxed
