-- I4: the fen of each settlement day, pair and movement of points are shared out exactly once: the lines add up to the
-- exact amount rounded once, and no line is a whole fen away from its own exact amount. Every part of the price of a point
-- that was taken tonight has somebody who pays it. And the money of every order and refund taken for merchants is with
-- them or in suspense, once. The tax inside the lines of points is shared out likewise.
-- Lines are asked for thrice by their own name: what a query names twice, DuckDB keeps whole.
with shares as (

    select
        abs(sum(rounding_micro_fen)) > 500000
            or max(abs(rounding_micro_fen)) >= 1000000
            or sum(amount_fen * 1000000 - points * unit_price_micro_fen - rounding_micro_fen) <> 0 as is_violation
    from {{ ref('fct_settlement_lines') }}
    where not {{ is_order_movement('movement_type') }}
    group by posted_date, payer_party, payee_party, movement_type

),

taxes as (

    select
        abs(2 * (sum(amount_fen) * tax_per_mille - sum(tax_fen) * (1000 + tax_per_mille))) > 1000 + tax_per_mille
            or max(abs(amount_fen * tax_per_mille - tax_fen * (1000 + tax_per_mille))) >= 1000 + tax_per_mille
            as is_violation
    from {{ ref('fct_settlement_lines') }}
    where not {{ is_order_movement('movement_type') }}
    group by posted_date, payer_party, payee_party, movement_type, tax_treatment, tax_per_mille

),

passed_on as (

    select
        activity_id,
        sum({{ counted('amount_fen', 'lines') }}) as passed_on_fen
    from {{ ref('fct_settlement_lines') }} as lines
    where movement_type in ('sale', 'sale_refund') and activity_id is not null
    group by activity_id

),

orders as (

    select coalesce(passed_on.passed_on_fen, 0) <> coalesce(activities.paid_fen, 0) as is_violation
    from (
        select activity_id, paid_fen
        from {{ ref('int_activities') }}
        where activity_type in ('purchase', 'refund')
            and {{ takes_for_merchants('business') }}
    ) as activities
    full outer join passed_on on activities.activity_id = passed_on.activity_id

),

each_one as (

    select is_violation from shares
    union all
    select is_violation from taxes
    union all
    select is_violation from orders
    union all
    select owed_micro_fen <> settled_micro_fen or unpriced_count > 0 as is_violation
    from {{ ref('int_settled_costs') }}

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
