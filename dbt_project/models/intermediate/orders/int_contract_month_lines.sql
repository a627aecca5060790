{{ config(materialized='table') }}

-- What the lines of months that are over should say: commission by steps, what is missing to a guarantee, what a funder bore
-- beyond its budget, each on the last day of its month.
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
        {{ add_days(add_months('amounts.month', '1'), '-1') }} as business_date,
        amounts.movement_type,
        case
            when {{ is_paid_by_merchant('amounts.movement_type') }} then amounts.merchant_party
            else amounts.business
        end as payer_party,
        case
            when {{ is_paid_by_merchant('amounts.movement_type') }} then amounts.business
            else amounts.merchant_party
        end as payee_party,
        'contracts' as source,
        cast(null as string) as account_id,
        cast(null as string) as activity_id,
        amounts.rule_id,
        amounts.amount_fen,
        cast(0 as bigint) as rounding_micro_fen,
        contracts.tax_treatment,
        contracts.tax_per_mille,
        cast({{ tax_within('amounts.amount_fen', 'contracts.tax_per_mille') }} as bigint) as tax_fen,
        cast(null as string) as document_no,
        cast(null as string) as unit_id,
        cast(null as bigint) as order_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from amounts
    inner join {{ ref('int_rules__merchant_contracts') }} as contracts on amounts.rule_id = contracts.rule_id
    where amounts.amount_fen <> 0

),

with_budgets as (

    select * from lines
    union all
    select * from {{ ref('int_budget_lines') }}

)

select * from with_budgets
