-- Money of each campaign's budget used and left, month by month, as posted: a budget from the month in which its version begins.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}
    where movement_type like 'voucher_subsidy%'
        or movement_type like 'budget_excess%'

),

signed as (

    select
        period_month,
        rule_id,
        case
            when movement_type like 'voucher_subsidy%' then {{ other_side('lines') }}
            when (movement_type like '%refund') <> is_reversal then payer_party
            else payee_party
        end as funder_party,
        case when movement_type like 'voucher_subsidy%' then {{ counted('amount_fen', 'lines') }} else 0 end as used_fen,
        case when movement_type like 'budget_excess%' then {{ counted('amount_fen', 'lines') }} else 0 end as given_back_fen
    from lines

),

months as (

    select period_month
    from {{ ref('fct_settlement_lines') }}
    group by period_month

),

by_month as (

    select
        months.period_month,
        budgets.rule_id,
        budgets.funder_party,
        sum(coalesce(signed.used_fen, 0)) as used_fen,
        sum(coalesce(signed.given_back_fen, 0)) as given_back_fen
    from months
    inner join {{ ref('int_rules__voucher_budgets') }} as budgets
        on budgets.valid_from_date < {{ add_months('months.period_month', '1') }}
    left join signed
        on months.period_month = signed.period_month
        and budgets.funder_party = signed.funder_party
        and {{ cites('signed.rule_id', 'budgets.rule_id') }}
    group by months.period_month, budgets.rule_id, budgets.funder_party

),

running as (

    select
        *,
        sum(used_fen) over (
            partition by rule_id, funder_party order by period_month rows between unbounded preceding and current row
        ) as used_to_date_fen,
        sum(given_back_fen) over (
            partition by rule_id, funder_party order by period_month rows between unbounded preceding and current row
        ) as given_back_to_date_fen
    from by_month

),

budgets as (

    select
        running.period_month,
        budgets.business,
        budgets.programme,
        budgets.programme_name,
        budgets.funder_party,
        budgets.rest_party,
        budgets.valid_from_date,
        budgets.valid_until_date,
        budgets.budget_fen,
        cast(running.used_fen as bigint) as used_fen,
        cast(running.used_to_date_fen as bigint) as used_to_date_fen,
        cast(greatest(budgets.budget_fen - running.used_to_date_fen, 0) as bigint) as left_fen,
        cast(greatest(running.used_to_date_fen - budgets.budget_fen, 0) as bigint) as exceeded_fen,
        cast(running.given_back_to_date_fen as bigint) as given_back_to_date_fen,
        budgets.rule_id
    from running
    inner join {{ ref('int_rules__voucher_budgets') }} as budgets
        on running.rule_id = budgets.rule_id
        and running.funder_party = budgets.funder_party

)

select * from budgets
