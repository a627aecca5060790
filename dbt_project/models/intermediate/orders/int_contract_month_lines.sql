{{ config(materialized='table') }}

-- What the lines of months that are over should say: commission by steps, and what is missing to a guarantee, each on
-- the last day of its month.
with amounts as (

    select
        business,
        merchant_party,
        rule_id,
        month,
        case when commission_fen < 0 then 'commission_refund' else 'commission' end as movement_type,
        abs(commission_fen) as amount_fen
    from {{ ref('int_stepped_commissions') }}
    union all
    select
        business,
        merchant_party,
        rule_id,
        month,
        'minimum_guarantee' as movement_type,
        missing_fen as amount_fen
    from {{ ref('int_minimum_guarantees') }}

),

lines as (

    select
        {{ add_days(add_months('month', '1'), '-1') }} as business_date,
        movement_type,
        case when {{ is_paid_by_merchant('movement_type') }} then merchant_party else business end as payer_party,
        case when {{ is_paid_by_merchant('movement_type') }} then business else merchant_party end as payee_party,
        'contracts' as source,
        cast(null as string) as account_id,
        cast(null as string) as activity_id,
        rule_id,
        amount_fen,
        cast(0 as bigint) as rounding_micro_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from amounts
    where amount_fen <> 0

)

select * from lines
