-- What funders with a budget bore of their programme's vouchers in each month that is over, less what refunds of its days
-- gave back, as posted up to tonight. Vouchers cite the version of the programme that holds the budget.
with lines as (

    select business_date, movement_type, payer_party, payee_party, amount_fen, is_reversal, rule_id
    from {{ ref('int_posted__settlement_lines') }}
    where movement_type like 'voucher_subsidy%'
    union all
    select business_date, movement_type, payer_party, payee_party, amount_fen, is_reversal, rule_id
    from {{ ref('int_order_postings') }}
    where movement_type like 'voucher_subsidy%'

),

signed as (

    select
        {{ other_side('lines') }} as funder_party,
        rule_id,
        {{ month_of('business_date') }} as month,
        {{ counted('amount_fen', 'lines') }} as amount_fen
    from lines

),

months as (

    select
        budgets.rule_id,
        budgets.funder_party,
        budgets.rest_party,
        budgets.budget_fen,
        signed.month,
        cast(sum(signed.amount_fen) as bigint) as used_fen
    from signed
    inner join {{ ref('int_rules__voucher_budgets') }} as budgets
        on signed.funder_party = budgets.funder_party
        and {{ cites('signed.rule_id', 'budgets.rule_id') }}
    cross join {{ ref('int_tonight') }} as tonight
    where {{ add_months('signed.month', '1') }} <= {{ add_days('tonight.business_date', '1') }}
    group by budgets.rule_id, budgets.funder_party, budgets.rest_party, budgets.budget_fen, signed.month

)

select * from months
