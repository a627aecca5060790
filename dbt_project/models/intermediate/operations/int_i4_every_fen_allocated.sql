-- I4: the fen of each settlement day, pair and movement are shared out exactly once: the lines add up to the exact
-- amount rounded once, and no line is a whole fen away from its own exact amount.
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

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from shares

)

select * from checked
