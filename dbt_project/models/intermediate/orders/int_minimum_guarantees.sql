-- What is missing to the least commission of a month by the version in force on its last day, of merchants who had a
-- contract on all of its days, once it is over. A contract with a merchant that the business has never named is not one yet.
with contracts as (

    select
        terms.*,
        terms.business || '/' || terms.merchant_id as merchant_party
    from {{ ref('int_rules__merchant_contracts') }} as terms
    inner join {{ ref('dim_merchants') }} as merchants
        on terms.business = merchants.business
        and terms.merchant_id = merchants.merchant_id

),

lines as (

    select business_date, movement_type, amount_fen, is_reversal from {{ ref('int_posted__settlement_lines') }}
    where activity_id is not null and {{ is_order_movement('movement_type') }}
    union all
    select business_date, movement_type, amount_fen, is_reversal from {{ ref('int_order_postings') }}

),

-- Months in which anything was sold, and is not withdrawn; that no merchant of the house sold anything has never been a
-- month.
months as (

    select distinct month
    from (
        select {{ month_of('business_date') }} as month
        from lines
        group by {{ month_of('business_date') }}, movement_type
        having sum(case when is_reversal then -amount_fen else amount_fen end) <> 0
    ) as sold

),

charged as (

    select
        merchant_party,
        month,
        sum(commission_fen) as commission_fen
    from (
        select merchant_party, month, commission_fen from {{ ref('int_contract_months') }}
        union all
        select merchant_party, month, commission_fen from {{ ref('int_stepped_commissions') }}
    ) as commissions
    group by merchant_party, month

),

contract_days as (

    select
        contracts.merchant_party,
        months.month,
        sum({{ days_between(
            'greatest(contracts.valid_from_date, months.month)',
            'least(contracts.valid_until_date, ' ~ add_months('months.month', '1') ~ ')'
        ) }}) as day_count
    from contracts
    inner join months
        on contracts.valid_from_date < {{ add_months('months.month', '1') }}
        and contracts.valid_until_date > months.month
    group by contracts.merchant_party, months.month

),

missing as (

    select
        contracts.business,
        contracts.merchant_party,
        contracts.rule_id,
        months.month,
        cast(contracts.monthly_minimum_fen - coalesce(charged.commission_fen, 0) as bigint) as missing_fen
    from contracts
    inner join months
        on contracts.valid_from_date < {{ add_months('months.month', '1') }}
        and contracts.valid_until_date >= {{ add_months('months.month', '1') }}
    inner join contract_days
        on contracts.merchant_party = contract_days.merchant_party
        and months.month = contract_days.month
        and contract_days.day_count = {{ days_between('months.month', add_months('months.month', '1')) }}
    left join charged
        on contracts.merchant_party = charged.merchant_party
        and months.month = charged.month
    cross join {{ ref('int_tonight') }} as tonight
    where contracts.monthly_minimum_fen is not null
        and {{ add_months('months.month', '1') }} <= {{ add_days('tonight.business_date', '1') }}

),

guarantees as (

    select * from missing
    where missing_fen > 0

)

select * from guarantees
