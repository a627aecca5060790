-- Of each merchant one of whose contracts asks for it, turnover and commission of every month that is over, by contract:
-- what the orders and refunds of its days moved, as posted up to tonight.
with lines as (

    select business_date, movement_type, payer_party, payee_party, amount_fen, is_reversal, rule_id
    from {{ ref('int_posted__settlement_lines') }}
    where activity_id is not null and {{ is_order_movement('movement_type') }}
    union all
    select business_date, movement_type, payer_party, payee_party, amount_fen, is_reversal, rule_id
    from {{ ref('int_order_postings') }}

),

asking as (

    select distinct business, merchant_id
    from {{ ref('int_rules__merchant_contracts') }}
    where merchant_id is not null
        and (commission_mode = 'tiered' or monthly_minimum_fen is not null)

),

contracts as (

    select
        terms.*,
        terms.business || '/' || terms.merchant_id as merchant_party
    from {{ ref('int_rules__merchant_contracts') }} as terms
    inner join asking
        on terms.business = asking.business
        and terms.merchant_id = asking.merchant_id

),

signed as (

    select
        {{ merchant_side('lines') }} as merchant_party,
        {{ month_of('business_date') }} as month,
        movement_type,
        rule_id,
        {{ counted('amount_fen', 'lines') }} as amount_fen
    from lines

),

months as (

    select
        contracts.business,
        contracts.merchant_party,
        contracts.rule_id,
        signed.month,
        cast(sum(case
            when signed.movement_type like 'sale%' or signed.movement_type like 'points_tender%'
                then signed.amount_fen
            when signed.movement_type like 'voucher_subsidy%' and contracts.is_subsidy_in_base then signed.amount_fen
            else 0
        end) as bigint) as turnover_fen,
        cast(sum(case when signed.movement_type like 'commission%' then signed.amount_fen else 0 end) as bigint)
            as commission_fen
    from signed
    inner join contracts
        on signed.merchant_party = contracts.merchant_party
        and (signed.rule_id = contracts.rule_id or signed.rule_id like contracts.rule_id || ' %')
    cross join {{ ref('int_tonight') }} as tonight
    where {{ add_months('signed.month', '1') }} <= {{ add_days('tonight.business_date', '1') }}
    group by contracts.business, contracts.merchant_party, contracts.rule_id, signed.month

)

select * from months
