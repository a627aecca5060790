-- I4: the fen of each settlement day, pair and movement are shared out exactly once: the lines add up to the exact
-- amount rounded once, and no line is a whole fen away from its own exact amount. Every part of the price of a point
-- that was taken tonight has somebody who pays it.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}

),

shares as (

    select
        abs(sum(rounding_micro_fen)) > 500000
            or max(abs(rounding_micro_fen)) >= 1000000
            or sum(amount_fen * 1000000 - points * unit_price_micro_fen - rounding_micro_fen) <> 0 as is_violation
    from lines
    group by posted_date, payer_party, payee_party, movement_type

),

each_one as (

    select is_violation
    from shares
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
